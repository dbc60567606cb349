package spec

// The file formats, as structs of the files' own shape. The shape check (shape.go) and the JSON Schemas (schema.go) are both made from them.
// `vars` names the place whose variables may stand in a value; see variables.go.

type worldFile struct {
	Schema   string                   `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name     nameText                 `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the world."`
	About    proseText                `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Extends  nameText                 `yaml:"extends" jsonschema_description:"A world of the library to lay this one over: maps merge by key, lists replace, null deletes."`
	Clouds   map[nameText]cloudFile   `yaml:"clouds" jsonschema_description:"Operators of regions."`
	Chains   map[nameText]chainFile   `yaml:"chains" jsonschema_description:"Blockchains."`
	Services map[nameText]serviceFile `yaml:"services" jsonschema_description:"What the app, or another service, depends on."`
}

type cloudFile struct {
	Regions    []nameText `yaml:"regions" jsonschema:"required" jsonschema_description:"Names of the regions; elsewhere a region is written cloud/region."`
	SharedFate string     `yaml:"shared_fate" jsonschema:"enum=none" jsonschema_description:"none: the regions belong to independent operators, which do not fail together."`
}

type chainFile struct {
	ID        int          `yaml:"id" jsonschema:"required,minimum=1" jsonschema_description:"Chain id."`
	BlockTime durationText `yaml:"block_time" jsonschema:"required" jsonschema_description:"Time between blocks, at least 1s."`
	Safe      blocksText   `yaml:"safe" jsonschema_description:"How far the safe head is behind. Default: 4 blocks."`
	Finalized blocksText   `yaml:"finalized" jsonschema_description:"How far the finalized head is behind. Default: 8 blocks, or safe when that is more."`
	SettlesOn nameText     `yaml:"settles_on" jsonschema_description:"The chain that this rollup settles on."`
	MaxDrift  durationText `yaml:"max_drift" jsonschema_description:"How long a rollup goes on without the chain that it settles on."`
}

type serviceFile struct {
	Kind      string                   `yaml:"kind" jsonschema:"required,enum=rpc,enum=http,enum=storage,enum=tcp,enum=internal" jsonschema_description:"What it speaks. internal: it has no host and only other services depend on it."`
	Dialect   string                   `yaml:"dialect" jsonschema_description:"How the provider words its failures. Default: plain."`
	Hosts     map[nameText]hostText    `yaml:"hosts" jsonschema_description:"Of kind rpc: chain → host name, as the app uses it in production."`
	Host      hostText                 `yaml:"host" jsonschema_description:"Host name of a service of kind http, storage or tcp."`
	Placement map[regionText]shareText `yaml:"placement" jsonschema:"required" jsonschema_description:"Region → share of the service that runs there; they sum to 100%."`
	KnownFrom string                   `yaml:"known_from" jsonschema:"enum=operator,enum=press,enum=assumed" jsonschema_description:"How well the placement and the dependencies are known. Default: assumed."`
	Latency   durationText             `yaml:"latency" jsonschema_description:"Added to each reply. Default: 0s."`
	Capacity  capacityFile             `yaml:"capacity" jsonschema_description:"What it takes before it answers in its own rate-limit words: headroom or rate. Default: without limit."`
	DependsOn []dependencyFile         `yaml:"depends_on" jsonschema_description:"What befalls it when other services are not available."`
}

type capacityFile struct {
	Headroom percentText `yaml:"headroom" jsonschema_description:"Beyond the app's own rate in the baseline; 100% is twice that rate."`
	Rate     rateText    `yaml:"rate" jsonschema_description:"Requests per second."`
}

type dependencyFile struct {
	Service nameText     `yaml:"service" jsonschema:"required" jsonschema_description:"The service that is needed."`
	For     placedFile   `yaml:"for" jsonschema_description:"The part of this service that is struck. Default: all of it."`
	Delay   durationText `yaml:"delay" jsonschema_description:"From the start, and from the end, of the needed service's unavailability. Default: 0s."`
	Effect  effectFile   `yaml:"effect" jsonschema:"required" jsonschema_description:"What befalls this service."`
}

type placedFile struct {
	Region regionText `yaml:"region" jsonschema_description:"The part that is placed there."`
	Cloud  nameText   `yaml:"cloud" jsonschema_description:"The part that is placed there."`
	Chain  nameText   `yaml:"chain" jsonschema_description:"The part that serves this chain."`
}

type effectFile struct {
	Fault    string         `yaml:"fault" jsonschema:"required" jsonschema_description:"A fault of the catalogue."`
	With     map[string]any `yaml:"with" jsonschema_description:"The fault's parameters."`
	Share    shareFile      `yaml:"share" jsonschema_description:"Share of look-ups, new connections, requests, backends or instances, by the fault's layer. Default: 100%."`
	Flap     flapFile       `yaml:"flap" jsonschema_description:"Switches the fault on and off, bad first."`
	Existing string         `yaml:"existing" jsonschema:"enum=keep,enum=cut" jsonschema_description:"What happens to connections that are open already."`
}

type appFile struct {
	Schema        string                   `yaml:"schema" jsonschema:"required" jsonschema_description:"The format and its version; always the first line."`
	Name          nameText                 `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the app."`
	About         proseText                `yaml:"about" jsonschema_description:"One or two sentences for lists."`
	Start         startFile                `yaml:"start" jsonschema:"required" jsonschema_description:"How an instance starts: one of command, image, build, compose and url."`
	URL           proseText                `yaml:"url" vars:"address" jsonschema_description:"Address of an instance, on this machine. Needed unless start has a url."`
	Ready         readyFile                `yaml:"ready" jsonschema:"required" jsonschema_description:"How an instance says that it takes requests: any 2xx answer."`
	Instances     map[regionText]countFile `yaml:"instances" jsonschema_description:"Region → how many instances run there. Default: one, placed nowhere."`
	Secrets       map[envText]secretFile   `yaml:"secrets" jsonschema_description:"Values that the app needs and no artifact may show."`
	Accounts      accountsFile             `yaml:"accounts" jsonschema_description:"The users' accounts."`
	Sessions      sessionsFile             `yaml:"sessions" jsonschema_description:"The users."`
	SteadyState   steadyFile               `yaml:"steady_state" jsonschema_description:"What the baseline must show, and what ends the recovery."`
	RecoverWithin durationText             `yaml:"recover_within" jsonschema_description:"How long the app may take to be steady again. Default: 10s."`
	Amplification float64                  `yaml:"amplification" jsonschema:"minimum=1" jsonschema_description:"Limit of requests per user action, as a multiple of the baseline's. Default: 3."`
	Journeys      map[nameText]journeyFile `yaml:"journeys" jsonschema:"required" jsonschema_description:"Things that users do, each at a fixed rate."`
}

type startFile struct {
	Prepare []string           `yaml:"prepare" jsonschema_description:"A command that is run once before anything else, in the caller's own environment: a build."`
	Command []string           `yaml:"command" vars:"start" jsonschema_description:"A program with its arguments. It starts in the folder of the app file."`
	Image   proseText          `yaml:"image" jsonschema_description:"A container image."`
	Build   proseText          `yaml:"build" jsonschema_description:"A folder with a Dockerfile."`
	Compose proseText          `yaml:"compose" jsonschema_description:"A compose file."`
	Service nameText           `yaml:"service" jsonschema_description:"The service of the compose file that takes the requests."`
	URL     proseText          `yaml:"url" vars:"address" jsonschema_description:"An app that runs already, on this machine."`
	Env     map[envText]string `yaml:"env" vars:"start" jsonschema_description:"The app's environment, besides PATH, HOME, LANG and what makes it trust the run's certificates."`
}

type readyFile struct {
	Request requestText  `yaml:"request" vars:"ready" jsonschema:"required" jsonschema_description:"A request that is answered with 2xx once the instance is ready."`
	Within  durationText `yaml:"within" jsonschema_description:"How long it may take. Default: 20s."`
}

type secretFile struct {
	FromEnv envText `yaml:"from_env" jsonschema:"required" jsonschema_description:"The environment variable that holds it."`
}

type accountsFile struct {
	Count countFile  `yaml:"count" jsonschema_description:"Default: 10."`
	Fund  amountText `yaml:"fund" jsonschema_description:"What each holds at first. Default: 100 ether."`
}

type sessionsFile struct {
	Count   countFile         `yaml:"count" jsonschema_description:"Default: as many as accounts."`
	Login   loginFile         `yaml:"login" jsonschema_description:"Done once per session."`
	Headers map[string]string `yaml:"headers" vars:"session" jsonschema_description:"Headers of all of a session's requests."`
}

type loginFile struct {
	Request requestText               `yaml:"request" vars:"login" jsonschema:"required" jsonschema_description:"Method and path."`
	Headers map[string]string         `yaml:"headers" vars:"login" jsonschema_description:"Headers."`
	JSON    any                       `yaml:"json" vars:"login" jsonschema_description:"The body."`
	Capture map[nameText]jsonPathText `yaml:"capture" jsonschema_description:"Name → JSONPath in the answer; used as ${session.NAME}."`
}

type steadyFile struct {
	OK  shareText    `yaml:"ok" jsonschema_description:"Share of attempts that are ok. Default: 99%."`
	P99 durationText `yaml:"p99" jsonschema_description:"99th percentile of their latency. Default: not asked."`
}

type journeyFile struct {
	Driver   string                  `yaml:"driver" jsonschema:"enum=http,enum=jsonrpc,enum=websocket,enum=exec,enum=browser" jsonschema_description:"How the journey is driven. Default: http."`
	Kind     string                  `yaml:"kind" jsonschema:"required,enum=read,enum=write,enum=events,enum=content,enum=status" jsonschema_description:"What the journey is about, and so which checks judge it."`
	Rate     rateText                `yaml:"rate" jsonschema:"required" jsonschema_description:"Attempts per second, whatever the app does."`
	Deadline durationText            `yaml:"deadline" jsonschema:"required" jsonschema_description:"A later answer is late."`
	Patience durationText            `yaml:"patience" jsonschema_description:"When the user gives up. Default: three deadlines, at most 30s."`
	Chain    nameText                `yaml:"chain" jsonschema_description:"The chain that the answers are about. Default: the first of the world."`
	Request  requestText             `yaml:"request" vars:"request" jsonschema_description:"Method and path."`
	Headers  map[string]string       `yaml:"headers" vars:"request" jsonschema_description:"Headers besides the session's."`
	JSON     any                     `yaml:"json" vars:"request" jsonschema_description:"The body."`
	Answer   map[nameText]answerFile `yaml:"answer" jsonschema_description:"What to read from the answer. Of a read: balance, block, stale, payments, declined; of a write: id, tx, state, declined; of a status: status, declined; others for use as ${answer.NAME}."`
	States   statesFile              `yaml:"states" jsonschema_description:"The app's words: of a write for the states of a payment (pending, confirmed, failed), where a word that is not listed is an error of this file; of a status for how the app is (fine, trouble)."`
	Follow   followFile              `yaml:"follow" jsonschema_description:"Asks for a payment's state until it is final."`
	Checks   checksFile              `yaml:"checks" jsonschema_description:"Tolerances."`
}

type answerFile struct {
	Path     jsonPathText `yaml:"path" jsonschema:"required" jsonschema_description:"JSONPath, RFC 9535."`
	Unit     string       `yaml:"unit" jsonschema:"enum=wei,enum=gwei,enum=ether" jsonschema_description:"Unit of a balance. Default: wei."`
	Decimals int          `yaml:"decimals" jsonschema:"minimum=0" jsonschema_description:"Digits after the point that the app shows. Default: all."`
}

type statesFile struct {
	Pending   []proseText `yaml:"pending" jsonschema_description:"Words for: sent, not yet sure."`
	Confirmed []proseText `yaml:"confirmed" jsonschema_description:"Words for: paid."`
	Failed    []proseText `yaml:"failed" jsonschema_description:"Words for: will never be paid."`
	Fine      []proseText `yaml:"fine" jsonschema_description:"Of a status: words for all is well."`
	Trouble   []proseText `yaml:"trouble" jsonschema_description:"Of a status: words for something is wrong."`
}

type followFile struct {
	Request requestText       `yaml:"request" vars:"follow" jsonschema:"required" jsonschema_description:"Method and path."`
	Headers map[string]string `yaml:"headers" vars:"follow" jsonschema_description:"Headers besides the session's."`
	JSON    any               `yaml:"json" vars:"follow" jsonschema_description:"The body."`
	Every   durationText      `yaml:"every" jsonschema_description:"Default: 1s."`
}

type checksFile struct {
	Balance balanceFile `yaml:"balance" jsonschema_description:"Of a read."`
	Payment paymentFile `yaml:"payment" jsonschema_description:"Of a write."`
	Status  statusFile  `yaml:"status" jsonschema_description:"Of a status."`
}

type statusFile struct {
	NoticeWithin durationText `yaml:"notice_within" jsonschema_description:"How long the app may say that all is well while it is not. Default: 30s."`
}

type balanceFile struct {
	MaxStale blocksText `yaml:"max_stale" jsonschema_description:"How old a balance may be without a mark. Default: 3 blocks."`
}

type paymentFile struct {
	ConfirmedMeans blocksText   `yaml:"confirmed_means" jsonschema_description:"How deep a payment lies that the app calls confirmed. Default: 1 block."`
	Settle         durationText `yaml:"settle" jsonschema_description:"How long after the last attempt payments are waited for. Default: 10s."`
}
