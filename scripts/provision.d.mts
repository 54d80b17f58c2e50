/** @returns the path of a `redis-server` program. @throws Error with one line that says what to install */
export function provisionRedis(): string
/** @returns the path of a Chromium program. @throws Error with one line that says what to install */
export function provisionChromium(): string
/** @returns the path of a `nats-server` program. @throws Error with one line that says what to install */
export function provisionNats(): string
/** @returns the path of a `mosquitto` program. @throws Error with one line that says what to install */
export function provisionMosquitto(): string
/** @returns the path of a `caddy` program. @throws Error with one line that says what to install */
export function provisionCaddy(): string
/** @returns the path of an `nginx` program. @throws Error with one line that says what to install */
export function provisionNginx(): string
/** @returns the path of a `pebble` program. @throws Error with one line that says what to install */
export function provisionPebble(): string
/** @returns the path of a `prometheus` program, with `promtool` beside it. @throws Error with one line that says what to install */
export function provisionPrometheus(): string
