/**
 * Replaces `${NAME}` as envsubst does in NGINX's official image: NGINX's own variables are lower case and stay.
 * @throws when the template names a variable that is not given
 */
export function fillTemplate(template: string, variables: Record<string, string>): string {
  return template.replace(/\$\{([A-Z][A-Z0-9_]*)\}/g, (_, name: string) => {
    const value = variables[name]
    if (value === undefined) throw new Error(`the NGINX template needs ${name}`)
    return value
  })
}
