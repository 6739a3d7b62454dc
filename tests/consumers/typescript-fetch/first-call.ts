// Signs in with a password, then lists the notebooks.
import createClient from 'openapi-fetch';
import type { paths } from './devenviron.js';
import type { paths as IamPaths } from './iam.js';

const setting = (name: string) => process.env[name] ?? '';

const iam = createClient<IamPaths>({ baseUrl: setting('OS_AUTH_URL').replace(/\/v3$/, '') });
const project_id = setting('OS_PROJECT_ID');
const signedIn = await iam.POST('/v3/auth/tokens', {
  body: {
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: {
            name: setting('OS_USERNAME'),
            password: setting('OS_PASSWORD'),
            domain: { name: setting('OS_USER_DOMAIN_NAME') },
          },
        },
      },
      scope: { project: { id: project_id } },
    },
  },
});
const token = signedIn.response.headers.get('X-Subject-Token') ?? '';

const client = createClient<paths>({
  baseUrl: setting('MODELARTS_ENDPOINT'),
  headers: { 'X-Auth-Token': token },
});
const { data, error } = await client.GET('/v1/{project_id}/notebooks', { params: { path: { project_id } } });
if (error) throw new Error(`${error.error_code}: ${error.error_msg}`);
for (const notebook of data.data ?? []) console.log(notebook.id, notebook.name, notebook.status);
