import type { AnchorHTMLAttributes } from "react";
import { follow } from "../app/routes";

/** A link inside the app: no reload; with Ctrl or ⌘ it opens elsewhere as any link. */
export function Link(props: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: an anchor with an address is interactive
    // biome-ignore lint/a11y/useKeyWithClickEvents: Enter on a link is a click
    <a
      {...props}
      // biome-ignore lint/a11y/useValidAnchor: it has an address; the click only spares a reload
      onClick={(event) => {
        props.onClick?.(event);
        if (!event.defaultPrevented) follow(event);
      }}
    />
  );
}
