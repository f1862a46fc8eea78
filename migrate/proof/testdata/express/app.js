// A server with express-session, connect-redis and passport. It prints its URL, and ends when its standard input does.
// SECRETS is a JSON list, REDIS the server's URL, and MAX_AGE the cookie's in milliseconds, or "null".
'use strict'

const http = require('node:http')
const session = require('express-session')
const passport = require('passport')
const { RedisStore } = require('connect-redis')
const { createClient } = require('redis')

passport.serializeUser((user, done) => done(null, user.id))
passport.deserializeUser((id, done) => done(null, { id }))

// The routes answer with who the visitor is.
const routes = {
  '/visit': (req, done) => done(),
  // The user's id is what JSON makes of the query: 42, "ann" or {"id":42}.
  '/login': (req, done) => req.logIn({ id: JSON.parse(query(req).get('user')) }, { session: true }, (err) => {
    req.session.cart = [{ name: 'tea', count: 2 }]
    req.session.language = 'de'
    done(err)
  }),
  '/logout': (req, done) => req.logOut(done),
}

function query(req) {
  return new URL(req.url, 'http://localhost').searchParams
}

async function main() {
  const client = createClient({ url: process.env.REDIS })
  await client.connect()
  const layers = [
    session({
      store: new RedisStore({ client }), secret: JSON.parse(process.env.SECRETS), resave: false,
      saveUninitialized: false, cookie: { maxAge: JSON.parse(process.env.MAX_AGE) },
    }),
    passport.initialize(),
    passport.session(),
    (req, res, next) => routes[new URL(req.url, 'http://localhost').pathname](req, next),
  ]
  const server = http.createServer((req, res) => {
    const next = (i) => (err) => {
      if (err) {
        res.statusCode = 500
        return res.end(String(err))
      }
      if (i < layers.length) return layers[i](req, res, next(i + 1))
      res.end(JSON.stringify(req.user ? req.user.id : null))
    }
    next(0)()
  })
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
  process.stdin.resume().on('close', () => process.exit())
}

main()
