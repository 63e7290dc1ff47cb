// Starts Swagger UI with the document of this server.
"use strict";

const place = document.getElementById("docs");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
