// Sends what a backend in Node would: host, write key and the time of the calls come as arguments.
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey, timestamp] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, path: '/v1/batch', flushAt: 3, maxRetries: 2 })
const failures = []
analytics.on('error', (error) => failures.push(String(error.code || error)))

analytics.track({ anonymousId: 'node-anonymous', event: 'Opened', properties: { list: [1, 2], nested: { a: true } }, timestamp })
analytics.identify({ userId: 'ann@example.com', anonymousId: 'node-anonymous', traits: { plan: 'pro' }, timestamp })
analytics.identify({ userId: 'ann@example.com', anonymousId: 'node-anonymous', traits: { plan: 'pro' }, timestamp })
analytics.page({ userId: 'ann@example.com', name: 'Docs', timestamp })
analytics.screen({ userId: 'ann@example.com', name: 'Home', timestamp })
analytics.group({ userId: 'ann@example.com', groupId: 'acme', traits: { name: 'Acme' }, timestamp })
analytics.alias({ previousId: 'ann@example.com', userId: 'ann@new.example', timestamp })
analytics.track({ userId: 'ann@new.example', event: 'Paid', properties: { revenue: 39.95 }, timestamp })

analytics.closeAndFlush({ timeout: 10000 }).then(() => {
  console.log(JSON.stringify({ failures }))
})
