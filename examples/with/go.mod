module github.com/coatcheck/coatcheck/examples/with

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/coatcheck/coatcheck v0.1.0
	github.com/coatcheck/coatcheck/examples v0.1.0
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/danielgtaylor/huma/v2 v2.37.2
	github.com/go-chi/chi/v5 v5.5.0
	github.com/prometheus/client_golang v1.23.2
	go.yaml.in/yaml/v2 v2.4.2
	golang.org/x/oauth2 v0.38.0
	google.golang.org/grpc v1.78.0
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.4 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.66.1 // indirect
	github.com/prometheus/procfs v0.16.1 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20251029180050-ab9386a59fda // indirect
)

replace (
	github.com/coatcheck/coatcheck => ../..
	github.com/coatcheck/coatcheck/adapters/echov5 => ../../adapters/echov5
	github.com/coatcheck/coatcheck/examples => ..
	github.com/coatcheck/coatcheck/internal/drivers => ../../internal/drivers
	github.com/coatcheck/coatcheck/stores/memcachestore => ../../stores/memcachestore
	github.com/coatcheck/coatcheck/stores/redisstore => ../../stores/redisstore
)
