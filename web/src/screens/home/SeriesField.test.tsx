import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { Description } from "../../api/types";
import { text } from "../../app/strings";
import { SeriesField } from "./SeriesField";
import { useSeriesForm } from "./series";

type Images = Description["images"];
const words = text.create;

function Page({ images, prefix }: { images: Images; prefix: string }) {
  const form = useSeriesForm(prefix, images);
  return (
    <>
      <SeriesField form={form} />
      <output>{JSON.stringify([form.request, form.taken.length])}</output>
    </>
  );
}

const image = (series: number | null, format = "Nikon ND2") => ({ series, format }) as Images[number];
const asked = () => JSON.parse(screen.getByRole("status").textContent ?? "") as unknown;

afterEach(cleanup);

test("nothing is asked where every file holds one image", () => {
  render(<Page prefix="one/" images={[image(null), image(null)]} />);
  expect(screen.queryByText(words.series)).toBeNull();
  expect(asked()).toEqual([{}, 2]);
});

test("every image is taken unless the first is chosen", () => {
  render(<Page prefix="two/" images={[image(0), image(1), image(2), image(null)]} />);
  expect(screen.getByText(words.seriesOf.each(3))).toBeTruthy();
  expect(asked()).toEqual([{ series: "each" }, 4]);
  fireEvent.change(screen.getByLabelText(words.series, { exact: false }), { target: { value: "first" } });
  expect(asked()).toEqual([{ series: 0 }, 2]);
  expect(screen.queryByText(words.seriesHint)).toBeNull();
});

test("of a slide the label and the overviews are left out", () => {
  render(<Page prefix="three/" images={[image(0, "Aperio SVS"), image(1, "Aperio SVS")]} />);
  expect(asked()).toEqual([{ series: 0 }, 1]);
});
