-- Requests with a browser's headers. Each argument is a value of the cookie srv_id; they take turns. Without arguments no
-- request has a cookie. Prints the result as one line of JSON.

local pages, turn = {}, 0

local function page(cookie)
  return wrk.format("GET", "/", {
    ["Host"] = wrk.headers["Host"],
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ["Accept-Encoding"] = "gzip, deflate",
    ["Accept-Language"] = "en-GB,en;q=0.9",
    ["Upgrade-Insecure-Requests"] = "1",
    ["Cookie"] = cookie and "srv_id=" .. cookie,
  })
end

function init(cookies)
  for _, cookie in ipairs(cookies) do pages[#pages + 1] = page(cookie) end
  if #pages == 0 then pages[1] = page() end
end

function request()
  turn = turn % #pages + 1
  return pages[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers":%d,"microseconds":%d,"bytes":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, errors.status, errors.connect, errors.read, errors.write,
    errors.timeout, latency:percentile(50), latency:percentile(99)))
end
