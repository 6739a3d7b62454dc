"use strict";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** The known values of an open enumeration, each with its sentence. */
function nameKnownValues(schema) {
  const values = schema["x-extensible-enum"];
  if (!Array.isArray(values)) return;
  const sentences = schema["x-enum-descriptions"] ?? {};
  const lines = values.map((value, index) => {
    const sentence = Array.isArray(sentences) ? sentences[index] : sentences[value];
    return `* \`${value}\`${sentence ? `: ${sentence}` : ""}`;
  });
  const text = (schema.description ?? "").replace(/\s*Known values: .*?\. Other values may be added\./s, "");
  schema.description = `${text}\n\nKnown values (others may be added):\n\n${lines.join("\n")}`;
}

/** An example as a value would be sent by whoever tries the operation: a list came back filtered by it. */
function sayExample(parameter) {
  const example = parameter.example ?? Object.values(parameter.examples ?? {})[0]?.value ?? parameter.schema?.example;
  delete parameter.example;
  delete parameter.examples;
  if (parameter.schema) delete parameter.schema.example;
  if (example !== undefined) {
    parameter.description = `${parameter.description ?? ""} For example \`${example}\`.`;
  }
}

function parameters(document) {
  const operations = Object.values(document.paths ?? {}).flatMap((item) => [
    item,
    ...METHODS.map((method) => item[method] ?? {}),
  ]);
  return [
    ...operations.flatMap((operation) => operation.parameters ?? []),
    ...Object.values(document.components?.parameters ?? {}),
  ];
}

/** What the renderer does not do by itself. */
function prepare(document, project) {
  const { info } = document;
  info.description = info.description?.replace("`README.md` next to this file", "[Basics](basics.html)");
  // An emulator says where it is by a path; the renderer joins addresses as texts.
  for (const server of document.servers ?? []) {
    if (server.url.startsWith("/")) server.url = new URL(server.url, location.href).href.replace(/\/$/, "");
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) nameKnownValues(schema);
  for (const parameter of parameters(document)) {
    if (!parameter.required) sayExample(parameter);
    if (parameter.name === "project_id" && project) parameter.example = project;
  }
  return document;
}

async function json(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

/** With `token`, the pages are those of an emulator: operations can be tried there, with its account. */
async function start({ documents, token: source }) {
  const { token, project } = source ? await json(source) : {};
  const sources = await Promise.all(
    documents.map(async ({ title, slug, content, url }) => ({
      title,
      slug,
      content: prepare(content ?? (await json(url)), project),
    })),
  );
  Scalar.createApiReference("#reference", {
    sources,
    hideTestRequestButton: !source,
    authentication: {
      preferredSecurityScheme: "XAuthToken",
      securitySchemes: { XAuthToken: { value: token ?? "" } },
    },
    showOperationId: true,
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    // Nothing of it leads or reports to anywhere else.
    telemetry: false,
    withDefaultFonts: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    hideDarkModeToggle: true,
    showDeveloperTools: "never",
    documentDownloadType: "none",
  });
}

start(window.reference).catch((error) => {
  document.getElementById("reference").textContent = `The reference cannot be shown: ${error.message}`;
});
