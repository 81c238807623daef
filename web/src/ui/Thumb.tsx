/** A small picture of an image: asked for again when it fails, and a sign in its place when it stays away. */
import { useEffect, useState } from "react";
import { text } from "../app/strings";
import { Icon } from "./Icon";

const TRIES = 4;
const WAIT = 1500;

interface Props {
  src: string | null;
  /** Whether it is asked for only when it comes into sight. */
  lazy?: boolean;
}

export function Thumb({ src, lazy = false }: Props) {
  const [tries, setTries] = useState(0);
  const [failed, setFailed] = useState(src === null);
  useEffect(() => {
    setTries(0);
    setFailed(src === null);
  }, [src]);
  useEffect(() => {
    if (!failed || src === null || tries >= TRIES) return;
    const timer = setTimeout(
      () => {
        setTries(tries + 1);
        setFailed(false);
      },
      WAIT * (tries + 1),
    );
    return () => clearTimeout(timer);
  }, [failed, tries, src]);
  if (failed || src === null)
    return (
      <span className="thumb missing" title={text.noPicture}>
        <Icon name="question" />
        <span className="visually-hidden">{text.noPicture}</span>
      </span>
    );
  const address = tries === 0 ? src : `${src}${src.includes("?") ? "&" : "?"}again=${tries}`;
  return (
    <img
      key={address}
      className="thumb"
      src={address}
      alt=""
      loading={lazy ? "lazy" : "eager"}
      decoding="async"
      onError={() => setFailed(true)}
    />
  );
}
