// hey-api with validators: every request and response is checked by zod.
export default {
  input: process.env.INPUT,
  output: { path: process.env.OUTPUT, importFileExtension: '.js' },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', 'zod', { name: '@hey-api/sdk', validator: true }],
};
