// Gathers in .bin/image of a sample app's folder what its image is built of, a Dockerfile included: node image.js APP BASE. With the base "scratch" it brings this machine's
// Node and the libraries that it needs, so that no registry is asked.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const [app, base] = process.argv.slice(2)
const apps = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..')
const image = join(apps, app, '.bin', 'image')
rmSync(image, { recursive: true, force: true })
mkdirSync(image, { recursive: true })

const own = readdirSync(join(apps, app)).filter((name) => name !== '.bin').map((name) => join(app, name))
for (const part of ['package.json', 'node', 'node_modules', ...own]) {
  cpSync(realpathSync(join(apps, part)), join(image, 'apps', part), { recursive: true })
}
const lines = [`FROM ${base}`]
let node = 'node'
if (base === 'scratch') {
  node = '/node'
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g)
  for (const [from, to] of [[process.execPath, node], ...libraries.map((path) => [path, path])]) {
    cpSync(realpathSync(from), join(image, 'root', to), { recursive: true })
  }
  lines.push('COPY root /')
}
lines.push('COPY apps /apps', `WORKDIR /apps/${app}`, 'ENV NODE_ENV=production', `ENTRYPOINT ["${node}", "wallet.js"]`, '')
writeFileSync(join(image, 'Dockerfile'), lines.join('\n'))
