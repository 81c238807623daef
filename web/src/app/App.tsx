export function App() {
  return <main>Veriscope</main>;
}
