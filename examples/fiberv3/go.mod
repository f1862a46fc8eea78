module github.com/coatcheck/coatcheck/examples/fiberv3

go 1.26.0

require (
	github.com/coatcheck/coatcheck v0.1.0
	github.com/coatcheck/coatcheck/adapters/fiberv3 v0.1.0
	github.com/coatcheck/coatcheck/examples v0.1.0
	github.com/gofiber/fiber/v3 v3.5.0
)

require (
	github.com/andybalholm/brotli v1.2.2 // indirect
	github.com/gofiber/schema v1.8.3 // indirect
	github.com/gofiber/utils/v2 v2.4.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fasthttp v1.73.0 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace (
	github.com/coatcheck/coatcheck => ../..
	github.com/coatcheck/coatcheck/adapters/echov5 => ../../adapters/echov5
	github.com/coatcheck/coatcheck/adapters/fiberv3 => ../../adapters/fiberv3
	github.com/coatcheck/coatcheck/examples => ..
	github.com/coatcheck/coatcheck/internal/drivers => ../../internal/drivers
	github.com/coatcheck/coatcheck/stores/memcachestore => ../../stores/memcachestore
	github.com/coatcheck/coatcheck/stores/redisstore => ../../stores/redisstore
)
