import { useEffect } from "react";
import { Icon } from "../ui/Icon";
import { Message } from "../ui/Message";
import { type Notice, useApp } from "./store";
import { text } from "./strings";

const SHOWN_FOR = 6000;

/** Short messages in the corner. Good news goes by itself; a problem stays until it is dismissed. */
export function Notices() {
  const notices = useApp((state) => state.notices);
  return (
    <div className="notices" aria-live="polite">
      {notices.map((notice) => (
        <OneNotice key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function OneNotice({ notice }: { notice: Notice }) {
  const dismiss = useApp((state) => state.dismiss);
  const { id, tone } = notice;
  useEffect(() => {
    if (tone === "bad") return;
    const timer = setTimeout(() => dismiss(id), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [id, tone, dismiss]);
  const close = (
    <button
      type="button"
      className="button plain small"
      aria-label={text.dismiss}
      onClick={() => dismiss(id)}
    >
      <Icon name="cross" size={12} />
    </button>
  );
  return (
    <Message tone={tone} title={notice.title} action={close}>
      {notice.detail}
      {notice.action && <div>{notice.action}</div>}
    </Message>
  );
}
