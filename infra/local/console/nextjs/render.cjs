// Renders a page's examples with the real next/image: from standard input
// {"config", "loader", "component"}, the sources, and {"props"}; to standard
// output the HTML that Next.js's server would send. What Next.js's own build
// does is done here in a few lines: Babel, which it carries, the configuration
// as context, and the loader's file in place of its own.
const { createRequire } = require("node:module");
const path = require("node:path");

const installed = createRequire(path.join(process.argv[2], "package.json"));
const babel = installed("next/dist/compiled/babel/core");
const presets = [installed("next/dist/compiled/babel/preset-react")];
const plugins = [installed("next/dist/compiled/babel/plugin-transform-modules-commonjs")];

function run(source, filename) {
  const { code } = babel.transformSync(source, { filename, presets, plugins, babelrc: false, configFile: false });
  const module = { exports: {} };
  new Function("require", "module", "exports", code)(installed, module, module.exports);
  return module.exports;
}

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  const { config, loader, component, props } = JSON.parse(input);
  const { images } = run(config, "next.config.js");
  const named = path.basename(images.loaderFile);
  const place = installed.resolve("next/dist/shared/lib/image-loader");
  require.cache[place] = { id: place, filename: place, loaded: true, exports: run(loader, named) };

  const React = installed("react");
  const { imageConfigDefault } = installed("next/dist/shared/lib/image-config");
  const { ImageConfigContext } = installed("next/dist/shared/lib/image-config-context.shared-runtime");
  globalThis.React = React;
  const photo = React.createElement(run(component, "photo.jsx").default, props);
  const page = React.createElement(ImageConfigContext.Provider, { value: { ...imageConfigDefault, ...images } }, photo);
  process.stdout.write(installed("react-dom/server").renderToStaticMarkup(page));
});
