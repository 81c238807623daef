import { lazy } from "react";
import { useStudy } from "../api/queries";
import type { Route } from "../app/routes";
import { Loaded } from "../ui/Loaded";
import { ProblemMessage } from "../ui/Message";

const ImagesScreen = lazy(() => import("./images/ImagesScreen"));
const ImageView = lazy(() => import("./images/ImageView"));
const CandidatesScreen = lazy(() => import("./candidates/CandidatesScreen"));
const AuditScreen = lazy(() => import("./audit/AuditScreen"));
const TileEditor = lazy(() => import("./audit/TileEditor"));
const AnswerScreen = lazy(() => import("./answer/AnswerScreen"));
const TableScreen = lazy(() => import("./table/TableScreen"));
const TrainScreen = lazy(() => import("./train/TrainScreen"));
const ReportScreen = lazy(() => import("./report/ReportScreen"));

type StudyRoute = Extract<Route, { page: "study" }>;

/** The screen of a study that the address names; each is loaded when it is first opened. */
export default function StudyScreen({ route }: { route: StudyRoute }) {
  const study = useStudy(route.study);
  return (
    <Loaded query={study} lines={3}>
      {(detail) => {
        if (detail.problem)
          return (
            <div className="page">
              <ProblemMessage problem={detail.problem} />
            </div>
          );
        switch (route.screen) {
          case "images":
            return route.item ? (
              <ImageView key={route.item} study={detail} image={route.item} query={route.query} />
            ) : (
              <ImagesScreen study={detail} query={route.query} />
            );
          case "candidates":
            return <CandidatesScreen study={detail} />;
          case "audit":
            return route.item ? (
              <TileEditor key={route.item} study={detail} unit={route.item} />
            ) : (
              <AuditScreen study={detail} />
            );
          case "answer":
            return route.item === "table" ? (
              <TableScreen study={detail} query={route.query} />
            ) : (
              <AnswerScreen study={detail} />
            );
          case "train":
            return <TrainScreen study={detail} />;
          case "report":
            return <ReportScreen study={detail} />;
        }
      }}
    </Loaded>
  );
}
