// openapi-typescript and openapi-fetch: one life cycle.
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './devenviron.js';
import type { paths as IamPaths } from './iam.js';

type Notebook = components['schemas']['Notebook'];

const baseUrl = process.env['MODELARTS_URL'] ?? '';
const signedIn = await createClient<IamPaths>({ baseUrl }).POST('/v3/auth/tokens', {
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
const token = signedIn.response.headers.get('X-Subject-Token') ?? '';
const client = createClient<paths>({ baseUrl, headers: { 'X-Auth-Token': token } });

function show(id: string) {
  return client.GET('/v1/{project_id}/notebooks/{id}', { params: { path: { project_id, id } } });
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
const images = await client.GET('/v1/{project_id}/images', { params: { path, query: { type: 'BUILD_IN' } } });
const flavors = await client.GET('/v1/{project_id}/notebooks/flavors', { params: { path } });
const made = await client.POST('/v1/{project_id}/notebooks', {
  params: { path },
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

const found = await client.GET('/v1/{project_id}/notebooks', {
  params: { path, query: { name: 'consumer', limit: 5 } },
});
assert.deepEqual(found.data?.data?.map((notebook) => notebook.id), [id]);

await client.PUT('/v1/{project_id}/notebooks/{id}', { params: one, body: { description: 'after' } });
const after = await wait(id, 'RUNNING');
assert.deepEqual([before.description, after.description], ['before', 'after']);
assert.deepEqual([after.name, after.flavor, after.volume?.capacity], [before.name, before.flavor, before.volume?.capacity]);

const renewed = await client.PATCH('/v1/{project_id}/notebooks/{id}/lease', { params: one, body: { duration: 7200000 } });
assert.ok(renewed.data?.duration);

await client.POST('/v1/{project_id}/notebooks/{id}/stop', { params: one });
await wait(id, 'STOPPED');
await client.POST('/v1/{project_id}/notebooks/{id}/start', { params: one });
await wait(id, 'RUNNING');

for (const [name, status, code] of [
  ['00000000-0000-0000-0000-000000000000', 400, 'ModelArts.6309'],
  ['fault-502', 502, 'APIGW.0201'],
  ['fault-429', 429, 'APIGW.0308'],
] as const) {
  const { response, error } = await show(name);
  assert.deepEqual([response.status, error?.error_code], [status, code]);
}
const odd = (await show('odd')).data;
assert.deepEqual([odd?.status, odd?.lease, odd?.description, odd?.endpoints], ['HIBERNATED', null, null, null]);

const instance = await client.POST('/v1/{project_id}/demanager/instances', {
  params: { path },
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
const route = '/v1/{project_id}/demanager/instances/{instance_id}';
while ((await client.GET(route, { params: old })).data?.status !== 'RUNNING') await setTimeout(100);
await client.PUT(route, { params: old, body: { spec: { auto_stop: { duration: 7200 } } } });
assert.equal((await client.GET(route, { params: old })).data?.spec?.auto_stop?.enable, true);
assert.ok((await client.DELETE(route, { params: old })).data?.instance_id);

await client.DELETE('/v1/{project_id}/notebooks/{id}', { params: one });
let gone = await show(id);
for (let look = 0; look < 300 && !gone.error; look++) {
  await setTimeout(100);
  gone = await show(id);
}
assert.equal(gone.error?.error_code, 'ModelArts.6309');
