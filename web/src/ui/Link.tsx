import type { AnchorHTMLAttributes } from "react";
import { follow } from "../app/routes";

/** A link inside the app: no reload; with Ctrl or ⌘ it opens elsewhere as any link. */
export function Link(props: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  return (
    <a
      {...props}
      onClick={(event) => {
        props.onClick?.(event);
        if (!event.defaultPrevented) follow(event);
      }}
    />
  );
}
