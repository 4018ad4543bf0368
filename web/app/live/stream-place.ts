/**
 * Over HTTP/1.1 a browser opens six connections to a host, all its tabs together: with six streams open, no page would
 * load any more. So this many tabs hold one, and the others poll.
 */
const places = 4

/**
 * One of the browser's places for a stream, as a function that gives it back; null when all are taken. Where there
 * are no Web Locks (a page over plain HTTP from another machine) there is always a place.
 */
export async function takeStreamPlace(): Promise<(() => void) | null> {
  if (!('locks' in navigator)) return () => {}
  for (let place = 1; place <= places; place++) {
    const release = await tryLock(`balance-board stream ${place}`)
    if (release) return release
  }
  return null
}

function tryLock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, lock => {
        if (!lock) return resolve(null)
        return new Promise<void>(release => resolve(() => release()))
      })
      .catch(reject)
  })
}
