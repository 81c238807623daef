import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { preload } from "./app/preload";
import { parseRoute } from "./app/routes";
import "./ui/fonts.css";
import "./ui/theme.css";
import "./ui/controls.css";
import "./ui/shell.css";
import "./screens/screens.css";

void preload(parseRoute(location.pathname));

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
