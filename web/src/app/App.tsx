import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { listen } from "../api/events";
import { queryClient, useSession } from "../api/queries";
import { HomeScreen } from "../screens/home/HomeScreen";
import { SignIn } from "../screens/login/SignIn";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { Loaded } from "../ui/Loaded";
import { ConnectionBanner } from "./ConnectionBanner";
import { jobEnded } from "./jobEnded";
import { Notices } from "./Notices";
import { Palette } from "./Palette";
import { PathBar } from "./PathBar";
import { type Route, useRoute } from "./routes";
import { useApp } from "./store";
import { refuseStrayDrops } from "./strayDrops";
import { text } from "./strings";
import { TopBar } from "./TopBar";

const StudyScreen = lazy(() => import("../screens/StudyScreen"));
const JobsScreen = lazy(() => import("../screens/jobs/JobsScreen"));
const SettingsScreen = lazy(() => import("../screens/settings/SettingsScreen"));

export function App() {
  const theme = useApp((state) => state.theme);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(refuseStrayDrops, []);
  return (
    <QueryClientProvider client={queryClient}>
      <ErrorBoundary>
        <Session />
      </ErrorBoundary>
    </QueryClientProvider>
  );
}

/** The app for who is signed in, else the page to sign in; what was typed stays either way. */
function Session() {
  const session = useSession();
  const signedOut = useApp((state) => state.signedOut);
  return (
    <>
      <ConnectionBanner />
      <Loaded query={session}>
        {(known) => (known.signed_in && !signedOut ? <Shell /> : <SignIn session={known} />)}
      </Loaded>
      <Notices />
    </>
  );
}

function Shell() {
  const route = useRoute();
  useEffect(() => listen(queryClient, jobEnded), []);
  return (
    <div className="shell">
      <a href="#main" className="skip">
        {text.skip}
      </a>
      <TopBar route={route} />
      {route.page === "study" && <PathBar study={route.study} screen={route.screen} />}
      <main id="main" tabIndex={-1}>
        <ErrorBoundary key={location.pathname}>
          <Suspense fallback={<div className="page" aria-busy="true" />}>
            <Page route={route} />
          </Suspense>
        </ErrorBoundary>
      </main>
      <Palette route={route} />
    </div>
  );
}

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "home":
      return <HomeScreen />;
    case "jobs":
      return <JobsScreen />;
    case "settings":
      return <SettingsScreen />;
    case "study":
      return <StudyScreen route={route} />;
    case "lost":
      return <p className="page">{text.lostPage}</p>;
  }
}
