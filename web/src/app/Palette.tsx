import { useEffect, useMemo, useRef, useState } from "react";
import { useSession, useStudies } from "../api/queries";
import { Dialog } from "../ui/Dialog";
import { type Command, commandsFor, search } from "./commands";
import type { Route } from "./routes";
import { useApp } from "./store";
import { text } from "./strings";

/** Everything by typing a few letters: Ctrl-K or ⌘-K anywhere. */
export function Palette({ route }: { route: Route }) {
  const open = useApp((state) => state.paletteOpen);
  const setOpen = useApp((state) => state.setPalette);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpen(!useApp.getState().paletteOpen);
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [setOpen]);
  return open ? <PaletteDialog route={route} onClose={() => setOpen(false)} /> : null;
}

function PaletteDialog({ route, onClose }: { route: Route; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const studies = useStudies().data?.studies;
  const canTrain = useSession().data?.capabilities.train ?? false;
  const commands = useMemo(() => commandsFor(route, studies ?? [], canTrain), [route, studies, canTrain]);
  const found = search(commands, typed);
  const chosen = Math.min(at, found.length - 1);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const move = (step: number) => {
    const next = (chosen + step + found.length) % Math.max(1, found.length);
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };

  return (
    <Dialog label={text.palette.label} className="palette" onClose={onClose}>
      <input
        className="input"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found.length ? `palette-${chosen}` : undefined}
        aria-label={text.palette.label}
        placeholder={text.palette.hint}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
          const step = moves[event.key];
          if (step === undefined && event.key !== "Enter") return;
          event.preventDefault();
          if (step === undefined) run(found[chosen]);
          else move(step);
        }}
      />
      <div id="palette-list" role="listbox" aria-label={text.palette.label} ref={list}>
        {found.map((command, place) => (
          <div
            key={command.id}
            id={`palette-${place}`}
            role="option"
            className="option"
            aria-selected={place === chosen}
            onPointerMove={() => setAt(place)}
            onClick={() => run(command)}
            onKeyDown={() => undefined}
          >
            {command.label}
            <span className="faint">{command.place}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="soft">{text.palette.nothing}</p>}
    </Dialog>
  );
}
