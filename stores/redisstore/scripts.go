package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// script is a script that can be sent whole.
type script struct {
	*redis.Script
	source string
}

func newScript(source string) *script { return &script{redis.NewScript(source), source} }

// Lua's numbers are doubles, exact for milliseconds but not for versions, and it compares strings by the server's
// locale: versions are compared as bytes, for equality only, and times as numbers.
const readHeader = `
local function parse(v)
  local seen, expires, indexed = struct.unpack('>i8i8i8', v, 11)
  return string.sub(v, 3, 10), seen, expires, indexed, string.sub(v, 35, 34 + string.byte(v, 2))
end
local head = redis.call('GETRANGE', KEYS[1], 0, 65)
if head == '' then return 'absent' end
local length = string.byte(head, 2)
if string.byte(head) ~= 1 or (length ~= 0 and length ~= 32) or #head < 34 + length then return 'unreadable' end
local version, seen, expires, indexed, owner = parse(head)
`

// updateScript takes the new value, the version it replaces and the time to live. The value says until when its owner's
// index has been extended for it; what the stored one says counts too, as long as the owner is the same.
var updateScript = newScript(readHeader + `
if version ~= ARGV[2] then return 'conflict' end
local _, _, newExpires, newIndexed, newOwner = parse(ARGV[1])
local keep = owner == newOwner and indexed > newIndexed
if newOwner ~= '' and newExpires > newIndexed and not (keep and newExpires <= indexed) then return 'unindexed' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if keep then redis.call('SETRANGE', KEYS[1], 26, string.sub(head, 27, 34)) end
return 'done'
`)

// touchScript takes the two times, the time to live, and the owner whose index has been extended with the time until
// when. It returns the record's owner when that one's index is to be extended first.
var touchScript = newScript(readHeader + `
if owner ~= '' and owner == ARGV[4] then indexed = math.max(indexed, tonumber(ARGV[5])) end
local newExpires = tonumber(ARGV[2])
if owner ~= '' and newExpires > indexed then return owner end
seen = math.max(seen, tonumber(ARGV[1]))
redis.call('SETRANGE', KEYS[1], 10, struct.pack('>i8i8i8', seen, math.max(expires, newExpires), indexed))
if newExpires > expires then redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT') end
return 'done'
`)

// indexScript takes the record's id and how long to list it. It removes what has had its time, and lets the whole list
// end with its last entry.
var indexScript = newScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return 'done'
`)

// listScript is a script because a client-side cache may answer the command, and a replica too.
var listScript = newScript(`return redis.call('ZRANGE', KEYS[1], 0, -1)`)

// run runs a script that changes one key. A server that does not know the script yet, after a start, failover or
// flush, is sent the whole of it.
func (s *Store) run(ctx context.Context, what *script, key string, args ...any) (answer string, err error) {
	cmd := redis.NewCmd(ctx, append([]any{"evalsha", what.Hash(), 1, key}, args...)...)
	if err = s.do(ctx, cmd); redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = redis.NewCmd(ctx, append([]any{"eval", what.source, 1, key}, args...)...)
		err = s.do(ctx, cmd)
	}
	if err != nil {
		return "", err
	}
	return cmd.Text()
}
