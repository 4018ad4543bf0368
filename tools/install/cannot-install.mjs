/** Something is missing that only the person can see to; the message says what and how. */
export class CannotInstall extends Error {}
