module github.com/coatcheck/coatcheck/examples/with

go 1.26.0

require (
	connectrpc.com/connect v1.21.1
	github.com/coatcheck/coatcheck v0.0.0
	github.com/danielgtaylor/huma/v2 v2.37.2
	github.com/go-chi/chi/v5 v5.5.0
	google.golang.org/protobuf v1.36.11
)

require github.com/gorilla/securecookie v1.1.2 // indirect

replace github.com/coatcheck/coatcheck => ../..
