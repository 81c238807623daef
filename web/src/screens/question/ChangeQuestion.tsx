import { useState } from "react";
import { useOptions, useSession } from "../../api/queries";
import type { StudyDetail } from "../../api/types";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { QuestionDialog } from "./QuestionDialog";

/** Lets an owner ask another question of the study. */
export function ChangeQuestion({ study }: { study: StudyDetail }) {
  const [open, setOpen] = useState(false);
  const options = useOptions().data;
  const mayChange = useSession().data?.role === "owner";
  if (!mayChange || !options || !study.question_form) return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Icon name="pencil" /> {text.question.change}
      </button>
      {open && (
        <QuestionDialog
          study={study}
          question={study.question_form}
          options={options}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
