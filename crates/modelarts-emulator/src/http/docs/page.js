window.ui = SwaggerUIBundle({
  dom_id: "#page",
  urls: DOCUMENTS,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: async () => {
    const { token } = await (await fetch("token")).json();
    if (token) {
      window.ui.preauthorizeApiKey("XAuthToken", token);
    }
  },
});
