import { METHODS, type RequestListener } from 'node:http'

const KNOWN = new Set(METHODS)
/** One that no route takes. */
const UNKNOWN = 'TRACE'

/** Over HTTP/2 a method may be any word; to the framework's router one that it does not know is a fault of its own. */
export function knownMethods(handler: RequestListener): RequestListener {
  return (request, response) => {
    if (!KNOWN.has(request.method ?? '')) request.method = UNKNOWN
    handler(request, response)
  }
}

/** The method that the route of a request declares: what answers GET answers HEAD, without the body. */
export function declaredMethod(method: string): string {
  return method === 'HEAD' ? 'GET' : method
}
