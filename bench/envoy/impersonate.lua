-- What kube-oidc-filter does with an ordinary request, in Lua: from the claims that jwt_authn has verified to the
-- impersonation headers of Kubernetes. native.yaml is its place, README.md says what it leaves out.
--
-- TOKEN is filled in: the ServiceAccount token.

local byte, concat, gmatch, lower, sub = string.byte, table.concat, string.gmatch, string.lower, string.sub

local AUTHORIZATION = "Bearer ${TOKEN}"
local AUTHENTICATED = "system:authenticated"
local CREDENTIAL_ID = "impersonate-extra-authentication.kubernetes.io%2fcredential-id"
local LOGGED_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id=JTI="

-- Whether a user or group is Kubernetes' own, which no issuer may hand out. The first byte ("s") spares the others the
-- making of a substring.
local function is_reserved(name)
  return byte(name) == 115 and sub(name, 1, 7) == "system:" and name ~= AUTHENTICATED
end

-- Whether `connection` names headers, which a proxy behind this one would drop.
local function nominates(connection)
  for option in gmatch(lower(connection or ""), "[^,%s]+") do
    if option ~= "upgrade" and option ~= "keep-alive" and option ~= "close" then return true end
  end
  return false
end

-- The fields have our filter's names, so that one log format prints both.
local function refuse(handle, status, reason)
  local state = handle:streamInfo():filterState()
  state:set("wasm.authn_outcome", "envoy.string", "refused")
  state:set("wasm.authn_reason", "envoy.string", reason)
  handle:respond({ [":status"] = status, ["content-type"] = "text/plain" }, reason)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local info = handle:streamInfo()
  local claims = info:dynamicMetadata():get("envoy.filters.http.jwt_authn").claims

  if headers:get(":method") == "CONNECT" then return refuse(handle, "400", "connect") end
  -- Without an upgrade Envoy has removed `connection`, and what it names.
  if headers:get("upgrade") then
    if nominates(headers:get("connection")) then return refuse(handle, "400", "nominated_headers") end
    headers:replace("connection", "Upgrade")
  end

  local user = claims.sub
  if type(user) ~= "string" then return refuse(handle, "401", "username_claim") end
  if user == "" then return refuse(handle, "403", "empty_username") end
  if is_reserved(user) or user == AUTHENTICATED then return refuse(handle, "403", "reserved_username") end
  headers:add("impersonate-user", user)

  local groups = claims.groups
  if type(groups) ~= "table" then groups = { groups } end
  local add, count, is_authenticated = headers.add, #groups, false
  if count == 0 and next(groups) then return refuse(handle, "401", "groups_claim") end
  for i = 1, count do
    local group = groups[i]
    if type(group) ~= "string" then return refuse(handle, "401", "groups_claim") end
    if is_reserved(group) then return refuse(handle, "403", "reserved_group") end
    if group == AUTHENTICATED then is_authenticated = true end
    add(headers, "impersonate-group", group)
  end
  if not is_authenticated then
    groups[count + 1] = AUTHENTICATED
    add(headers, "impersonate-group", AUTHENTICATED)
  end

  local state = info:filterState()
  local uid = claims.oid
  if type(uid) ~= "string" then return refuse(handle, "401", "uid_claim") end
  if uid ~= "" then
    add(headers, "impersonate-uid", uid)
    state:set("wasm.authn_uid", "envoy.string", uid)
  end
  local credential = claims.jti
  if type(credential) == "string" and credential ~= "" then
    add(headers, CREDENTIAL_ID, "JTI=" .. credential)
    state:set("wasm.authn_extra", "envoy.string", LOGGED_CREDENTIAL_ID .. credential)
  end
  -- Last of the headers: when a script fails, Envoy lets the request go on as it then is.
  headers:replace("authorization", AUTHORIZATION)

  state:set("wasm.authn_outcome", "envoy.string", "forwarded")
  state:set("wasm.authn_reason", "envoy.string", "ok")
  state:set("wasm.authn_issuer", "envoy.string", claims.iss)
  state:set("wasm.authn_user", "envoy.string", user)
  state:set("wasm.authn_groups", "envoy.string", concat(groups, "|"))
end
