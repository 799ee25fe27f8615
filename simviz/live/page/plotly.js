// Where does the drawing library come from? The page's own Plotly; where it has none, once a page from the kernel;
// never from anywhere else.

const MIME = "application/vnd.plotly.v1+json";
const MAJOR = 4;  // of plotly.js, tested

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

// One request a page, whatever the number of figures. A Plotly of another version that the page has stays in its place.
function plotlyOfTheKernel(model, tell) {
  globalThis.simvizPlotly ??= new Promise((resolve, reject) => {
    tell("Fetching the drawing library from the kernel, 5 MB, once for this page ...");
    const take = (message, buffers) => {
      if (!message.plotly) return;
      model.off("msg:custom", take);
      const before = globalThis.Plotly;
      const address = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      const script = document.createElement("script");
      script.onload = () => {
        const fetched = globalThis.Plotly;
        if (before) globalThis.Plotly = before;
        URL.revokeObjectURL(address);
        resolve(fetched);
      };
      script.onerror = () => reject(new Error("the drawing library could not be loaded"));
      script.src = address;
      document.head.append(script);
    };
    model.on("msg:custom", take);
    model.send({ want: "plotly" });
  });
  return globalThis.simvizPlotly;
}
