-- As impersonate.lua, and it remembers what it made of each token. What costs time there is less the verification,
-- which jwt_authn's cache spares, than the claims on their way to Lua: they are copied twice and made into tables for
-- every request. Here they are read from the token itself, once. native.yaml is its place.
--
-- TOKEN is filled in: the ServiceAccount token.

local byte, char, concat, find, gmatch = string.byte, string.char, table.concat, string.find, string.gmatch
local lower, match, sub = string.lower, string.match, string.sub

local AUTHORIZATION = "Bearer ${TOKEN}"
local AUTHENTICATED = "system:authenticated"
local CREDENTIAL_ID = "impersonate-extra-authentication.kubernetes.io%2fcredential-id"
local LOGGED_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id=JTI="

-- Base64url. jwt_authn has found the token to be well formed.
local SIXTETS = {}
for index, digit in ipairs({ byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 1, 64) }) do
  SIXTETS[digit] = index - 1
end

local function decode_base64url(text)
  local parts = {}
  for at = 1, #text, 4 do
    local a, b, c, d = byte(text, at, at + 3)
    local bits = SIXTETS[a] * 262144 + SIXTETS[b] * 4096 + (SIXTETS[c] or 0) * 64 + (SIXTETS[d] or 0)
    local first, rest = (bits - bits % 65536) / 65536, bits % 65536
    local second, third = (rest - rest % 256) / 256, rest % 256
    parts[#parts + 1] = d and char(first, second, third) or c and char(first, second) or char(first)
  end
  return concat(parts)
end

-- JSON, which jwt_authn has parsed before.
local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function utf8(code)
  if code < 0x80 then return char(code) end
  local low = code % 64
  local high = (code - low) / 64
  if code < 0x800 then return char(0xC0 + high, 0x80 + low) end
  local middle = high % 64
  high = (high - middle) / 64
  if code < 0x10000 then return char(0xE0 + high, 0x80 + middle, 0x80 + low) end
  return char(0xF0 + (high - high % 64) / 64, 0x80 + high % 64, 0x80 + middle, 0x80 + low)
end

-- Each of these takes the position where its value begins, and returns the value and the position after it.
local function parse_string(text, at)
  local from, parts = at + 1, nil
  while true do
    local stop = find(text, '["\\]', from)
    local piece = sub(text, from, stop - 1)
    if byte(text, stop) == 34 then
      if not parts then return piece, stop + 1 end
      parts[#parts + 1] = piece
      return concat(parts), stop + 1
    end
    parts = parts or {}
    parts[#parts + 1] = piece
    local kind = sub(text, stop + 1, stop + 1)
    from = stop + 2
    if kind == "u" then
      local code = tonumber(sub(text, from, from + 3), 16)
      from = from + 4
      if code >= 0xD800 and code < 0xDC00 then
        code = 0x10000 + (code - 0xD800) * 1024 + tonumber(sub(text, from + 2, from + 5), 16) - 0xDC00
        from = from + 6
      end
      parts[#parts + 1] = utf8(code)
    else
      parts[#parts + 1] = ESCAPES[kind] or kind
    end
  end
end

local LITERALS = { ["true"] = true, ["false"] = false }

local function parse_value(text, at)
  local first = byte(text, at)
  if first == 34 then return parse_string(text, at) end
  if first ~= 91 and first ~= 123 then
    local literal = match(text, "^[^,%]}%s]+", at)
    local value = LITERALS[literal]
    if value == nil then value = tonumber(literal) end
    return value, at + #literal
  end
  local values, key = {}, nil
  at = find(text, "%S", at + 1)
  while byte(text, at) ~= 93 and byte(text, at) ~= 125 do
    if first == 123 then
      key, at = parse_string(text, at)
      at = find(text, "[^%s:]", at)
    else
      key = #values + 1
    end
    values[key], at = parse_value(text, at)
    at = find(text, "[^%s,]", at)
  end
  return values, at + 1
end

-- Whether a user or group is Kubernetes' own, which no issuer may hand out.
local function is_reserved(name)
  return sub(name, 1, 7) == "system:" and name ~= AUTHENTICATED
end

-- Whether `connection` names headers, which a proxy behind this one would drop.
local function nominates(connection)
  for option in gmatch(lower(connection or ""), "[^,%s]+") do
    if option ~= "upgrade" and option ~= "keep-alive" and option ~= "close" then return true end
  end
  return false
end

local function refuse(handle, status, reason)
  local state = handle:streamInfo():filterState()
  state:set("wasm.authn_outcome", "envoy.string", "refused")
  state:set("wasm.authn_reason", "envoy.string", reason)
  handle:respond({ [":status"] = status, ["content-type"] = "text/plain" }, reason)
end

-- What a token comes to: the values of its headers and log fields, or nothing, a status and a reason.
local function identity(authorization)
  -- All of the header, so that it can't be another token than the one that jwt_authn found in it.
  local payload = match(authorization, "^Bearer [%w_-]+%.([%w_-]+)%.[%w_-]+$")
  if not payload then return nil, "401", "malformed_authorization" end
  local text = decode_base64url(payload)
  local claims = parse_value(text, find(text, "%S"))

  local user = claims.sub
  if type(user) ~= "string" then return nil, "401", "username_claim" end
  if user == "" then return nil, "403", "empty_username" end
  if is_reserved(user) or user == AUTHENTICATED then return nil, "403", "reserved_username" end

  local groups = claims.groups
  if type(groups) ~= "table" then groups = { groups } end
  local count, is_authenticated = #groups, false
  if count == 0 and next(groups) then return nil, "401", "groups_claim" end
  for i = 1, count do
    local group = groups[i]
    if type(group) ~= "string" then return nil, "401", "groups_claim" end
    if is_reserved(group) then return nil, "403", "reserved_group" end
    if group == AUTHENTICATED then is_authenticated = true end
  end
  if not is_authenticated then groups[count + 1] = AUTHENTICATED end

  local uid = claims.oid
  if type(uid) ~= "string" then return nil, "401", "uid_claim" end

  local one = { user = user, uid = uid, groups = groups, issuer = claims.iss, logged_groups = concat(groups, "|") }
  local credential = claims.jti
  if type(credential) == "string" and credential ~= "" then
    one.credential, one.logged_credential = "JTI=" .. credential, LOGGED_CREDENTIAL_ID .. credential
  end
  return one
end

-- What it made of tokens, by `authorization`. jwt_authn has verified the token anew, and looked at its times, before it
-- is looked up. Two generations, so that those in use stay; each ends after so many bytes of tokens.
local GENERATION = 16 * 1024 * 1024
local young, old, bytes = {}, {}, 0

local function remembered(authorization)
  local one, status, reason = old[authorization], nil, nil
  if not one then
    one, status, reason = identity(authorization)
    if not one then return nil, status, reason end
  end
  if bytes > GENERATION then old, young, bytes = young, {}, 0 end
  young[authorization], bytes = one, bytes + #authorization
  return one
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get(":method") == "CONNECT" then return refuse(handle, "400", "connect") end
  -- Without an upgrade Envoy has removed `connection`, and what it names.
  if headers:get("upgrade") then
    if nominates(headers:get("connection")) then return refuse(handle, "400", "nominated_headers") end
    headers:replace("connection", "Upgrade")
  end

  local authorization = headers:get("authorization")
  local one, status, reason = young[authorization], nil, nil
  if not one then
    one, status, reason = remembered(authorization)
    if not one then return refuse(handle, status, reason) end
  end

  local add, groups = headers.add, one.groups
  add(headers, "impersonate-user", one.user)
  for i = 1, #groups do add(headers, "impersonate-group", groups[i]) end
  local state = handle:streamInfo():filterState()
  if one.uid ~= "" then
    add(headers, "impersonate-uid", one.uid)
    state:set("wasm.authn_uid", "envoy.string", one.uid)
  end
  if one.credential then
    add(headers, CREDENTIAL_ID, one.credential)
    state:set("wasm.authn_extra", "envoy.string", one.logged_credential)
  end
  -- Last of the headers: when a script fails, Envoy lets the request go on as it then is.
  headers:replace("authorization", AUTHORIZATION)

  state:set("wasm.authn_outcome", "envoy.string", "forwarded")
  state:set("wasm.authn_reason", "envoy.string", "ok")
  state:set("wasm.authn_issuer", "envoy.string", one.issuer)
  state:set("wasm.authn_user", "envoy.string", one.user)
  state:set("wasm.authn_groups", "envoy.string", one.logged_groups)
end
