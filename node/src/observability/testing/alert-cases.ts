/** Series of one process, each with its values in every minute of an hour, in the notation of `promtool`. */
export type Series = Readonly<Record<string, string>>

/** A server that is well. */
export const well: Series = {
  up: '1x60',
  dred_leads: '1x60',
  dred_serving: '1x60',
  dred_peers_connected: '3x60',
  dred_attested_until_seconds: '2592000x60',
  dred_key_accepted_until_seconds: '1e15x60',
  dred_tls_certificate_not_after_seconds: '2592000x60',
  dred_tls_certificates_refused_total: '0x60',
  'dred_problems_total{code="internal"}': '0x60',
  'dred_problems_total{code="rate_limited"}': '0+5x60',
  'dred_http_requests_total{status="201"}': '0+6000x60',
  'dred_http_requests_total{status="503"}': '0+10x60',
  'dred_publish_seconds_bucket{le="0.01"}': '0+6000x60',
  'dred_publish_seconds_bucket{le="5"}': '0+6000x60',
  'dred_publish_seconds_bucket{le="+Inf"}': '0+6000x60',
  'dred_fan_out_seconds_bucket{le="0.01"}': '0+6000x60',
  'dred_fan_out_seconds_bucket{le="5"}': '0+6000x60',
  'dred_fan_out_seconds_bucket{le="+Inf"}': '0+6000x60',
  'dred_streams_closed_total{reason="slow_reader"}': '0+6x60',
  'dred_limited_total{limit="device"}': '0+60x60',
  'dred_limited_total{limit="blocked"}': '0+6000x60',
  dred_connections_refused_total: '0x60',
  dred_signatures_waiting: '20x60',
  dred_signature_threads: '3x60',
  'dred_relay_link_queue_bytes{peer="2"}': '1000x60',
  dred_relay_forks_total: '0x60',
  dred_relay_mismatches_total: '0x60',
  dred_relay_invalid_statements_total: '0x60',
  'dred_check_ok{check="serving"}': '1x60',
  'dred_check_ok{check="store"}': '1x60',
  'dred_check_ok{check="chain"}': '1x60',
  'dred_store_errors_total{operation="append",code="storage_full"}': '0x60',
  dred_store_bytes: '500x60',
  dred_store_max_bytes: '1000x60',
  'dred_store_operation_seconds_bucket{operation="append",le="0.01"}': '0+6000x60',
  'dred_store_operation_seconds_bucket{operation="append",le="5"}': '0+6000x60',
  'dred_store_operation_seconds_bucket{operation="append",le="+Inf"}': '0+6000x60',
  dred_store_reconnects_total: '0 0 1x58',
  dred_chain_block_timestamp_seconds: '0+60x60',
  nodejs_eventloop_lag_p99_seconds: '0.02x60',
  process_open_fds: '100x60',
  process_max_fds: '1024x60',
  process_start_time_seconds: '1x20 1200x39',
}

/** What is different when something is wrong, by the alert that it has to raise. */
export const faults: Readonly<Record<string, Series>> = {
  DredDown: {
    up: '1x20 0x40',
  },
  DredNotServing: {
    'dred_check_ok{check="serving"}': '0x60',
  },
  DredAttestationEnds: {
    dred_attested_until_seconds: '200000x60',
  },
  DredKeyEnds: {
    dred_key_accepted_until_seconds: '80000x60',
  },
  DredCertificateEnds: {
    dred_tls_certificate_not_after_seconds: '600000x60',
  },
  DredCertificateRefused: {
    dred_tls_certificates_refused_total: '0x30 1x30',
  },
  DredNoLeader: {
    dred_leads: '0x60',
  },
  DredErrors: {
    'dred_problems_total{code="internal"}': '0x50 1x10',
  },
  DredUnavailable: {
    'dred_http_requests_total{status="503"}': '0+600x60',
  },
  DredPublishSlow: {
    'dred_publish_seconds_bucket{le="0.01"}': '0+5000x60',
  },
  DredFanOutSlow: {
    'dred_fan_out_seconds_bucket{le="0.01"}': '0+5000x60',
  },
  DredSlowReaders: {
    'dred_streams_closed_total{reason="slow_reader"}': '0+120x60',
  },
  DredLimited: {
    'dred_limited_total{limit="device"}': '0+1200x60',
  },
  DredConnectionsRefused: {
    dred_connections_refused_total: '0+1x60',
  },
  DredSignaturesWait: {
    dred_signatures_waiting: '4000x60',
  },
  DredNoSignatureThreads: {
    dred_signature_threads: '0x60',
  },
  DredNoPeers: {
    dred_peers_connected: '0x60',
  },
  DredPeerSlow: {
    'dred_relay_link_queue_bytes{peer="2"}': '5000000x60',
  },
  DredPeerFaulty: {
    dred_relay_mismatches_total: '0x40 1x20',
  },
  DredStoreUnavailable: {
    'dred_check_ok{check="store"}': '0x60',
  },
  DredStoreFull: {
    'dred_store_errors_total{operation="append",code="storage_full"}': '0x56 7x4',
  },
  DredStoreFills: {
    dred_store_bytes: '900x60',
  },
  DredStoreSlow: {
    'dred_store_operation_seconds_bucket{operation="append",le="0.01"}': '0+5000x60',
  },
  DredStoreComesAndGoes: {
    dred_store_reconnects_total: '0x45 0+1x14',
  },
  DredChainUnread: {
    'dred_check_ok{check="chain"}': '0x60',
  },
  DredChainOld: {
    dred_chain_block_timestamp_seconds: '60x60',
  },
  DredBusy: {
    nodejs_eventloop_lag_p99_seconds: '0.5x60',
  },
  DredFewFiles: {
    process_open_fds: '1000x60',
  },
  DredRestarts: {
    process_start_time_seconds: '1x48 60+60x10',
  },
}
