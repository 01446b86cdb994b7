// Swagger UI over the server's own OpenAPI document.
const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  tryItOutEnabled: false,
  filter: false,
  displayRequestDuration: true,
  syntaxHighlight: { theme: 'tomorrow-night' },
  validatorUrl: null,
  // The page's own address must not choose another document.
  queryConfigEnabled: false,
  onComplete() {
    const title = ui.specSelectors.info().get('title');
    if (title) document.title = `${title} - Swagger UI`;
  },
});
