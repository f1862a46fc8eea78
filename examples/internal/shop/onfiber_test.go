package shop_test

import _ "github.com/coatcheck/coatcheck/examples/internal/shop/onfiber" // so that the tests visit it on Fiber v2 too
