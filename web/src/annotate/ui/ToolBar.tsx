import { Icon } from "../../ui/Icon";
import type { Action } from "../keys/actions";
import type { KeyMap } from "../keys/presets";
import { words } from "../strings";
import { TOOLS, type ToolName } from "../tools/types";
import { ToolIcon } from "./ToolIcon";

interface Props {
  readonly tool: ToolName;
  readonly keys: KeyMap;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly onAction: (action: Action) => void;
}

/** The tools, down the left side. */
export function ToolBar({ tool, keys, canUndo, canRedo, onAction }: Props) {
  const key = (action: Action) => keys.get(action)?.[0] ?? "";
  return (
    <div className="tile-tools" role="toolbar" aria-label="Tools" aria-orientation="vertical">
      {TOOLS.map((each) => (
        <button
          key={each}
          type="button"
          className="tool"
          aria-pressed={tool === each}
          aria-keyshortcuts={key(`tool ${each}`)}
          title={`${words.tools[each].name} (${key(`tool ${each}`)}). ${words.tools[each].hint}`}
          onClick={() => onAction(`tool ${each}`)}
        >
          <ToolIcon tool={each} />
          <span>{words.tools[each].name}</span>
        </button>
      ))}
      <hr />
      <button
        type="button"
        className="tool"
        disabled={!canUndo}
        title={`${words.undo} (${key("undo")})`}
        onClick={() => onAction("undo")}
      >
        <ToolIcon tool="undo" />
        <span>{words.undo}</span>
      </button>
      <button
        type="button"
        className="tool"
        disabled={!canRedo}
        title={`${words.redo} (${key("redo")})`}
        onClick={() => onAction("redo")}
      >
        <ToolIcon tool="redo" />
        <span>{words.redo}</span>
      </button>
      <button type="button" className="tool" title={words.help} onClick={() => onAction("help")}>
        <Icon name="question" size={18} />
        <span>{words.helpTitle}</span>
      </button>
    </div>
  );
}
