import { Icon } from "../ui/Icon";
import { useApp } from "./store";
import { text } from "./strings";

/** Says that the server is away and that nothing is lost; gone when it is back. */
export function ConnectionBanner() {
  const connection = useApp((state) => state.connection);
  if (connection === "ok") return null;
  return (
    <div className="banner" role="alert">
      <Icon name="warn" size={14} /> <strong>{text.connection.lost}</strong> {text.connection.detail}
    </div>
  );
}
