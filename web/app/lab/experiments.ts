// The guided experiments in words, which the HTML has. lab-setup.ts has what each of them sets.

export const experimentNames = [
  'fair-shares',
  'slow-server',
  'dead-server',
  'one-office',
  'coming-back',
] as const

export type ExperimentName = (typeof experimentNames)[number]

/** `watch`: what the reader should look at. */
export const experiments: Record<ExperimentName, { title: string; about: string; watch: string }> = {
  'fair-shares': {
    title: 'Fair shares',
    about: 'How even is each policy?',
    watch: '60 new visitors. Watch how far each bar is from its tick, the equal share.',
  },
  'slow-server': {
    title: 'One slow server',
    about: 'Which policy steers around it',
    watch: 'One server takes 400 ms longer. Watch its bar, and p99: who still waits for it?',
  },
  'dead-server': {
    title: 'One dead server',
    about: 'What a failed try costs',
    watch: 'One server answers with errors only. Watch the retries: NGINX hides them from the visitor.',
  },
  'one-office': {
    title: 'One office, one address',
    about: 'Where IP hash breaks',
    watch: 'Ten visitors share one address. Watch how many servers each policy uses.',
  },
  'coming-back': {
    title: 'Coming back',
    about: 'Does a visitor keep the server?',
    watch: 'Ten visitors come back. Run, then let a server fail and run again. Watch who moves.',
  },
}

/** What the page's address may have of the lab. */
const labParameters = [
  'lab',
  'lab_policies',
  'lab_visits',
  'lab_concurrent',
  'lab_visitors',
  'lab_slow',
  'lab_fail',
] as const

export type LabParameter = (typeof labParameters)[number]

/** The experiment that the query of the page's address names; the first if it names none. */
export function experimentOf(query: string): ExperimentName {
  const text = new URLSearchParams(query).get('lab')
  return experimentNames.find(name => name === text) ?? experimentNames[0]
}

/** The parameters of the address for an experiment with all that it sets. */
export function parametersOfExperiment(name: ExperimentName): Record<string, string> {
  const all = labParameters.map(parameter => [parameter, parameter === 'lab' ? name : ''])
  return Object.fromEntries(all)
}
