// Runs a Python program in Pyodide. Arguments: the folder with the installed packages, and the program.
import fs from "node:fs";
import { loadPyodide } from "pyodide";

const [packages, program] = process.argv.slice(2);
const python = await loadPyodide();
python.FS.mkdirTree("/packages");
python.FS.mount(python.FS.filesystems.NODEFS, { root: packages }, "/packages");
python.runPython("import sys; sys.path.insert(0, '/packages')");
try {
  await python.runPythonAsync(`${fs.readFileSync(program, "utf8")}\nawait main()\n`);
} catch (error) {
  console.error(error.message); // Node would print the whole of Pyodide's source with an uncaught error
  process.exitCode = 1;
}
