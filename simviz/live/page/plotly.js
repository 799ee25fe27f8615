// Where does the drawing library come from? The page's own Plotly; where it has none, once a page from the kernel;
// never from anywhere else.

const MIME = "application/vnd.plotly.v1+json";
const MAJOR = 4;  // of plotly.js, tested

const LEFT = "the figure that asked for the drawing library was taken off the page";

const fits = (plotly) => plotly && plotly.react && parseInt(plotly.version, 10) === MAJOR ? plotly : null;

// Plotly that JupyterLab has loaded for its own renderer: drawing one empty figure with it sets globalThis.Plotly.
async function plotlyOfThePage() {
  if (globalThis.Plotly) return fits(globalThis.Plotly);
  const extension = globalThis._JUPYTERLAB && globalThis._JUPYTERLAB["jupyterlab-plotly"];
  if (!extension) return null;
  try {
    const plugins = (await extension.get("./mimeExtension"))().default;
    const renderer = plugins[0].rendererFactory.createRenderer({ mimeType: MIME });
    await renderer.renderModel({ data: { [MIME]: { data: [], layout: {}, config: {} } }, metadata: {}, setData() {} });
    for (let tries = 0; tries < 100 && !globalThis.Plotly; tries++) await new Promise((r) => setTimeout(r, 20));
    return fits(globalThis.Plotly);
  } catch (error) {
    return null;
  }
}

// As a module of its own, in which no loader of the page's (AMD, CommonJS) is in sight: Plotly comes back to us, and
// whatever the page calls Plotly is afterwards what it was before.
const shielded = (source) => new Blob([
  `const before = Object.getOwnPropertyDescriptor(globalThis, "Plotly"), module = { exports: {} };
  const exports = module.exports, define = undefined;\n`, source,
  `\nif (before) Object.defineProperty(globalThis, "Plotly", before); else delete globalThis.Plotly;
  export default module.exports;`,
], { type: "text/javascript" });

// One request a page, whatever the number of figures: globalThis.simvizPlotly promises what the first one asked for.
// left: a promise kept when the figure is taken off the page, its kernel perhaps with it; then another figure asks.
async function plotlyOfTheKernel(model, tell, left) {
  let here = true;
  left.then(() => { here = false; });
  tell("Fetching the drawing library from the kernel, 5 MB, once for this page ...");
  const asked = globalThis.simvizPlotly ??= new Promise((resolve, reject) => {
    const take = async (message, buffers) => {
      if (!message.plotly) return;
      model.off("msg:custom", take);
      const address = URL.createObjectURL(shielded(buffers[0]));
      try {
        resolve((await import(/* webpackIgnore: true */ address)).default);
      } catch (error) {
        reject(new Error(`the drawing library could not be loaded: ${error.message}`));
      } finally {
        URL.revokeObjectURL(address);
      }
    };
    model.on("msg:custom", take);
    model.send({ want: "plotly" });
    left.then(() => reject(new Error(LEFT)));
  });
  try {
    return await asked;
  } catch (error) {
    if (globalThis.simvizPlotly === asked) globalThis.simvizPlotly = undefined;
    if (error.message !== LEFT || !here) throw error;  // by its words: every figure has a module of its own
    return plotlyOfTheKernel(model, tell, left);
  }
}
