/** What screens ask the server, remembered and fetched again when it changed. */
import { QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { ApiError, api, getJson, getVersioned } from "./client";
import { keys } from "./keys";
import type {
  Answer,
  Audit,
  AuditAgreement,
  CandidateImage,
  CandidateRow,
  FolderListing,
  ImageList,
  Job,
  LiveEstimate,
  Network,
  Options,
  OtherCandidate,
  RankedTiles,
  ReportState,
  Session,
  StudyDetail,
  StudyList,
  UnitDetail,
} from "./types";

const QUALITY_LOOKS = 15;

/** Lost connections are tried again for as long as it takes; what the server refused is not. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      networkMode: "always",
      refetchOnWindowFocus: false,
      retry: (tries, error) => error instanceof ApiError && error.isConnection && tries < 200,
      retryDelay: (tries) => Math.min(8000, 500 * 1.5 ** tries),
    },
    mutations: { networkMode: "always", retry: false },
  },
});

export const sessionQuery = queryOptions({
  queryKey: keys.session(),
  queryFn: ({ signal }) => getJson<Session>(api("session"), signal),
  staleTime: 60_000,
});
export const useSession = () => useQuery(sessionQuery);

export const useOptions = () =>
  useQuery({
    queryKey: keys.options(),
    queryFn: ({ signal }) => getJson<Options>(api("options"), signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const useFolders = (path: string, enabled: boolean) =>
  useQuery({
    queryKey: keys.folders(path),
    queryFn: ({ signal }) =>
      getJson<FolderListing>(`${api("folders")}${path ? `?path=${encodeURIComponent(path)}` : ""}`, signal),
    enabled,
  });

export const useStudies = () =>
  useQuery({
    queryKey: keys.studies(),
    queryFn: ({ signal }) => getJson<StudyList>(api("studies"), signal),
  });

export const studyQuery = (study: string) =>
  queryOptions({
    queryKey: keys.study(study),
    queryFn: ({ signal }) => getJson<StudyDetail>(api("studies", study), signal),
  });
export const useStudy = (study: string) => useQuery(studyQuery(study));

export const imagesQuery = (study: string) =>
  queryOptions({
    queryKey: keys.of(study, "images"),
    queryFn: ({ signal }) => getVersioned<ImageList>(api("studies", study, "images"), signal),
    // Quality is worked out while thumbnails are drawn: look again a few times until it is there.
    refetchInterval: ({ state }) => {
      const open = state.data?.value.images.some(({ quality }) => quality === null) ?? false;
      return open && state.dataUpdateCount < QUALITY_LOOKS ? 4000 : false;
    },
  });
export const useImages = (study: string) => useQuery(imagesQuery(study));

export const candidatesQuery = (study: string) =>
  queryOptions({
    queryKey: keys.of(study, "candidates"),
    queryFn: ({ signal }) => getJson<CandidateRow[]>(api("studies", study, "candidates"), signal),
  });
export const useCandidates = (study: string) => useQuery(candidatesQuery(study));

export const useOtherMethods = (study: string, enabled: boolean) =>
  useQuery({
    queryKey: keys.of(study, "candidates", "others"),
    queryFn: ({ signal }) => getJson<OtherCandidate[]>(api("studies", study, "candidates", "others"), signal),
    enabled,
  });

export const candidateImagesQuery = (study: string, candidate: string) => ({
  queryKey: keys.of(study, "candidates", candidate, "images"),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    getJson<CandidateImage[]>(api("studies", study, "candidates", candidate, "images"), signal),
});

export const useJobs = () =>
  useQuery({
    queryKey: keys.jobs(),
    queryFn: ({ signal }) => getJson<Job[]>(api("jobs"), signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const useAudit = (study: string) =>
  useQuery({
    queryKey: keys.of(study, "audit"),
    queryFn: ({ signal }) => getJson<Audit>(api("studies", study, "audit"), signal),
  });

export const useUnit = (study: string, unit: string) =>
  useQuery({
    queryKey: keys.of(study, "audit", "unit", unit),
    queryFn: ({ signal }) => getJson<UnitDetail>(api("studies", study, "audit", "units", unit), signal),
  });

export const useLiveEstimate = (study: string, enabled: boolean) =>
  useQuery({
    queryKey: keys.of(study, "audit", "estimate"),
    queryFn: ({ signal }) => getJson<LiveEstimate>(api("studies", study, "audit", "estimate"), signal),
    enabled,
    placeholderData: (before) => before,
  });

export const useAgreement = (study: string, enabled: boolean) =>
  useQuery({
    queryKey: keys.of(study, "audit", "agreement"),
    queryFn: ({ signal }) => getJson<AuditAgreement>(api("studies", study, "audit", "agreement"), signal),
    enabled,
  });

export const useAnswer = (study: string, enabled = true) =>
  useQuery({
    queryKey: keys.of(study, "answer"),
    queryFn: ({ signal }) => getJson<Answer>(api("studies", study, "answer"), signal),
    enabled,
  });

export const useTiles = (study: string, order: "worst" | "best", enabled: boolean) =>
  useQuery({
    queryKey: keys.of(study, "tiles", order),
    queryFn: ({ signal }) =>
      getJson<RankedTiles>(`${api("studies", study, "tiles")}?order=${order}&limit=6`, signal),
    enabled,
  });

/** Networks of a study; while one learns, its losses are asked for again and again. */
export const useNetworks = (study: string, isLive: boolean) =>
  useQuery({
    queryKey: keys.of(study, "networks"),
    queryFn: ({ signal }) => getJson<Network[]>(api("studies", study, "networks"), signal),
    refetchInterval: isLive ? 2500 : false,
  });

export const useReport = (study: string) =>
  useQuery({
    queryKey: keys.of(study, "report"),
    queryFn: ({ signal }) => getJson<ReportState>(api("studies", study, "report"), signal),
  });
