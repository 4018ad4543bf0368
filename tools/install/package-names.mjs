/** What provides each part: by package manager, a list of alternatives, the first the manager knows being taken. */
const packages = {
  'apt-get': {
    libatomic: [['libatomic1']],
    nginx: [['nginx']],
    // The server and the script that makes its first files, without the package that would run it as a service.
    database: [
      ['mariadb-server-core', 'mariadb-client-core'],
      ['mariadb-server-core-10.6', 'mariadb-client-core-10.6'],
      ['mariadb-server-core-10.5', 'mariadb-client-core-10.5'],
      ['mysql-server-core-8.0'],
    ],
    browser: [['chromium']],
    firefox: [['firefox-esr'], ['firefox']],
    faketime: [['faketime']],
    dump: [['mariadb-client'], ['mysql-client']],
    webp: [['webp']],
    wrk: [['wrk']],
    flask: [['python3-flask', 'gunicorn', 'python3-mysqldb']],
  },
  brew: {
    nginx: [['nginx']],
    database: [['mysql']],
    browser: [['--cask', 'chromium']],
    firefox: [['--cask', 'firefox']],
    faketime: [['libfaketime']],
    dump: [['mysql']],
    webp: [['webp']],
  },
  dnf: {
    libatomic: [['libatomic']],
    nginx: [['nginx']],
    database: [['mariadb-server']],
    browser: [['chromium']],
    firefox: [['firefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb']],
    webp: [['libwebp-tools']],
  },
  pacman: {
    nginx: [['nginx']],
    database: [['mariadb']],
    browser: [['chromium']],
    firefox: [['firefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb-clients']],
    webp: [['libwebp']],
  },
  zypper: {
    libatomic: [['libatomic1']],
    nginx: [['nginx']],
    database: [['mariadb']],
    browser: [['chromium']],
    firefox: [['MozillaFirefox']],
    faketime: [['libfaketime']],
    dump: [['mariadb-client']],
    webp: [['libwebp-tools']],
  },
}

const commands = {
  'apt-get': 'apt-get install -y --no-install-recommends',
  brew: 'brew install',
  dnf: 'dnf install -y',
  pacman: 'pacman -S --needed',
  zypper: 'zypper install -y',
}

/**
 * The packages of `parts` under `manager`; null where it has none for one of them. `isKnown` says whether the manager
 * has a package of that name.
 * @param {string} manager
 * @param {string[]} parts
 * @param {(name: string) => boolean} isKnown
 */
export function packagesOf(manager, parts, isKnown = () => true) {
  const chosen = parts.map(part => packages[manager][part]?.find(names => names.every(isKnown)))
  return chosen.every(Boolean) ? chosen.flat() : null
}

/** Every name `packagesOf` may choose from. */
export const candidatesOf = (manager, parts) => parts.flatMap(part => packages[manager][part] ?? []).flat()

/** The one command a person runs to install `names`. */
export function installCommand(manager, names, isRoot) {
  const asRoot = isRoot || manager === 'brew' ? '' : 'sudo '
  return `${asRoot}${commands[manager]} ${names.join(' ')}`
}

export const managers = Object.keys(packages)
