"""What the server takes and gives: the types of `web/openapi.json`."""
