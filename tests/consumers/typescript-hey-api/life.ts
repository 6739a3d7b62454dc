// hey-api with its client, its SDK and zod: one life cycle.
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { createClient as createDevenviron } from './devenviron/client/index.js';
import {
  createDevEnvInstance,
  createNotebook,
  deleteDevEnvInstance,
  deleteNotebook,
  listFlavors,
  listImages,
  listNotebooks,
  renewLease,
  showDevEnvInstance,
  showNotebook,
  startNotebook,
  stopNotebook,
  updateDevEnvInstance,
  updateNotebook,
} from './devenviron/sdk.gen.js';
import type { Notebook } from './devenviron/types.gen.js';
import { createClient as createIam } from './iam/client/index.js';
import { createToken } from './iam/sdk.gen.js';

const baseUrl = process.env['MODELARTS_URL'] ?? '';
const signedIn = await createToken({
  client: createIam({ baseUrl }),
  body: {
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: { name: 'consumer', password: 'consumer-password', domain: { name: 'OTC-EMULATOR' } },
        },
      },
      scope: { project: { name: 'eu-de' } },
    },
  },
});
const project_id = signedIn.data?.token?.project?.id ?? '';
const token = signedIn.response?.headers.get('X-Subject-Token') ?? '';
const client = createDevenviron({ baseUrl, auth: token });

function show(id: string) {
  return showNotebook({ client, path: { project_id, id } });
}

async function wait(id: string, status: string): Promise<Notebook> {
  for (let look = 0; look < 300; look++) {
    const { data } = await show(id);
    if (data?.status === status) return data;
    await setTimeout(100);
  }
  throw new Error(`never ${status}`);
}

const path = { project_id };
const images = await listImages({ client, path, query: { type: 'BUILD_IN' } });
const flavors = await listFlavors({ client, path });
const made = await createNotebook({ client, path,
  body: {
    name: 'consumer',
    description: 'before',
    flavor: flavors.data?.data?.[0]?.id ?? '',
    image_id: images.data?.data?.[0]?.id ?? '',
    volume: { category: 'EVS', ownership: 'MANAGED', capacity: 5 },
  },
});
const id = made.data?.id ?? '';
const one = { path: { project_id, id } };
const before = await wait(id, 'RUNNING');

const found = await listNotebooks({ client, path, query: { name: 'consumer', limit: 5 },
});
assert.deepEqual(found.data?.data?.map((notebook) => notebook.id), [id]);

await updateNotebook({ client, ...one, body: { description: 'after' } });
const after = await wait(id, 'RUNNING');
assert.deepEqual([before.description, after.description], ['before', 'after']);
assert.deepEqual([after.name, after.flavor, after.volume?.capacity], [before.name, before.flavor, before.volume?.capacity]);

const renewed = await renewLease({ client, ...one, body: { duration: 7200000 } });
assert.ok(renewed.data?.duration);

await stopNotebook({ client, ...one });
await wait(id, 'STOPPED');
await startNotebook({ client, ...one });
await wait(id, 'RUNNING');

for (const [name, status, code] of [
  ['00000000-0000-0000-0000-000000000000', 400, 'ModelArts.6309'],
  ['fault-502', 502, 'APIGW.0201'],
  ['fault-429', 429, 'APIGW.0308'],
] as const) {
  const { response, error } = await show(name);
  assert.deepEqual([response?.status, error?.error_code], [status, code]);
}
const odd = (await show('odd')).data;
assert.deepEqual([odd?.status, odd?.lease, odd?.description, odd?.endpoints], ['HIBERNATED', null, null, null]);

const instance = await createDevEnvInstance({ client, path,
  body: {
    name: 'consumer-old',
    profile_id: 'Python3-cpu',
    flavor: 'modelarts.vm.cpu.2u',
    spec: {
      storage: { type: 'obs', location: { path: '/bucket/consumer/' } },
      auto_stop: { enable: true, duration: 3600 },
    },
  },
});
const old = { path: { project_id, instance_id: instance.data?.id ?? '' } };
while ((await showDevEnvInstance({ client, ...old })).data?.status !== 'RUNNING') await setTimeout(100);
await updateDevEnvInstance({ client, ...old, body: { spec: { auto_stop: { duration: 7200 } } } });
assert.equal((await showDevEnvInstance({ client, ...old })).data?.spec?.auto_stop?.enable, true);
assert.ok((await deleteDevEnvInstance({ client, ...old })).data?.instance_id);

await deleteNotebook({ client, ...one });
let gone = await show(id);
for (let look = 0; look < 300 && !gone.error; look++) {
  await setTimeout(100);
  gone = await show(id);
}
assert.equal(gone.error?.error_code, 'ModelArts.6309');
