// The network controller, set up as the MetaMask extension does it in app/scripts/controller-init/network-controller-init.ts since its pull request 37002 of October 2025.
import { Messenger } from '@metamask/base-controller'
import { getDefaultNetworkControllerState, NetworkController } from '@metamask/network-controller'

const second = 1000

// NetworkClient gives the provider and the block tracker of Ethereum's main network. The endpoint is Infura's, whose address the controller makes of the project's id; failoverUrls take over while it is
// held to be unavailable.
export function networkClient({ infuraProjectId, failoverUrls }) {
  const messenger = new Messenger()
  messenger.subscribe('NetworkController:rpcEndpointDegraded', ({ endpointUrl, error }) => report('degraded', endpointUrl, error))
  messenger.subscribe('NetworkController:rpcEndpointUnavailable', ({ endpointUrl, error }) => report('unavailable', endpointUrl, error))

  const state = getDefaultNetworkControllerState()
  state.networkConfigurationsByChainId['0x1'].rpcEndpoints[0].failoverUrls = failoverUrls

  const controller = new NetworkController({
    messenger: messenger.getRestricted({
      name: 'NetworkController',
      allowedActions: ['ErrorReportingService:captureException'],
      allowedEvents: [],
    }),
    state,
    infuraProjectId,
    isRpcFailoverEnabled: true, // the remote flag walletFrameworkRpcFailoverEnabled, which is on in production
    getBlockTrackerOptions: () => ({ pollingInterval: 20 * second, retryTimeout: 20 * second }),
    getRpcServiceOptions(endpointUrl) {
      const maxRetries = 3 // DEFAULT_MAX_RETRIES of @metamask/controller-utils; a request is made once more than that
      return {
        fetch: globalThis.fetch.bind(globalThis),
        btoa: globalThis.btoa.bind(globalThis),
        policyOptions: {
          maxRetries,
          maxConsecutiveFailures: (maxRetries + 1) * (failoverUrls.includes(endpointUrl) ? 10 : 3),
          circuitBreakDuration: 30 * second,
        },
      }
    },
  })
  controller.initializeProvider({ lookupNetwork: false })
  return controller.getSelectedNetworkClient()
}

function report(what, endpointUrl, error) {
  console.log(`${new URL(endpointUrl).host} is ${what}${error ? `: ${error.message}` : ''}`)
}
