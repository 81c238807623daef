import { useState } from "react";
import { useCandidates } from "../../api/queries";
import type { StudyDetail } from "../../api/types";
import { studyPath } from "../../app/routes";
import { text } from "../../app/strings";
import { Icon } from "../../ui/Icon";
import { Link } from "../../ui/Link";
import { Loaded } from "../../ui/Loaded";
import { LinkedTable } from "./LinkedTable";

const words = text.table;

/** All measured objects: filters, histograms, rows and the image, linked both ways. */
export default function TableScreen({ study, query }: { study: StudyDetail; query: URLSearchParams }) {
  const candidates = useCandidates(study.id);
  const [chosen, setChosen] = useState(query.get("c"));
  return (
    <Loaded query={candidates} lines={3}>
      {(rows) => {
        const ran = rows.filter(({ n_images_done }) => n_images_done > 0);
        const first = [...ran].sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99))[0];
        const candidate = ran.find(({ id }) => id === chosen) ?? first;
        if (!candidate)
          return (
            <div className="empty">
              <h1>{words.none}</h1>
              <Link href={studyPath(study.id, "candidates")} className="button primary">
                {words.toCandidates}
              </Link>
            </div>
          );
        return (
          <div className="view-page">
            <div className="view-head">
              <Link href={studyPath(study.id, "answer")} className="button small">
                <Icon name="left" size={12} /> {text.screens.answer}
              </Link>
              <h1>{words.title}</h1>
              <select
                className="input small"
                aria-label={words.candidate}
                value={candidate.id}
                onChange={(event) => setChosen(event.target.value)}
              >
                {ran.map(({ id }) => (
                  <option key={id}>{id}</option>
                ))}
              </select>
            </div>
            <LinkedTable key={candidate.id} study={study} candidate={candidate.id} />
          </div>
        );
      }}
    </Loaded>
  );
}
