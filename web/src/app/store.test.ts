import { afterEach, describe, expect, it, vi } from "vitest";
import { useApp } from "./store";

describe("what every request says of the connection", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is written to the browser's storage only when it changes", () => {
    const write = vi.spyOn(Storage.prototype, "setItem");
    const { setConnection, setSignedOut } = useApp.getState();
    for (let i = 0; i < 20; i++) {
      setConnection("ok");
      setSignedOut(false);
    }
    expect(write).not.toHaveBeenCalled();
    setConnection("lost");
    expect(useApp.getState().connection).toBe("lost");
    setConnection("ok");
    expect(write.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it("leaves what a person typed where it is stored", () => {
    useApp.getState().setDraft("new/name", "Dropped nuclei");
    useApp.getState().setConnection("lost");
    const kept = JSON.parse(localStorage.getItem("veriscope") ?? "{}");
    expect(kept.state.drafts).toEqual({ "new/name": "Dropped nuclei" });
    useApp.getState().dropDrafts("new/");
    useApp.getState().setConnection("ok");
  });
});
