#!/usr/bin/env node
// Produce one property record to Equity Connect. Node 20.19.4 or later, and @platformatic/kafka.
//
//   npm ci --omit=optional
//   export KAFKA_BOOTSTRAP_SERVERS=kafka.example.com:9093 KAFKA_USERNAME=acme KAFKA_PASSWORD=...
//   node produce.mjs
//
// Prints where Kafka stored the record. Exit codes: 0 stored, 1 not stored, 2 a setting is missing.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka';

const servers = process.env.KAFKA_BOOTSTRAP_SERVERS;
const topic = process.env.KAFKA_TOPIC ?? 'ingest.leads';
const username = process.env.KAFKA_USERNAME; // unset: no login and no encryption, for a Kafka on your own machine
const password = process.env.KAFKA_PASSWORD ?? '';
const caFile = process.env.KAFKA_CA_FILE; // unset: the certificate authorities of Node

// The time at which your system last changed this record. In this example it changes every day at midnight.
const changedAt = `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;
const propertyId = '4711'; // the property's id in your system

const record = {
  source: 'acme',
  observed_on: changedAt.slice(0, 10),
  property_address: '418 N Palmetto Ave',
  property_city: 'Dunedin',
  property_state: 'FL',
  property_zip: '34698',
  county: 'Pinellas',
  fips: '12103',
  apn: '27-28-15-66078-000-0100',
  owner_first_name: 'Marjorie',
  owner_last_name: 'Holt',
  owner2_first_name: 'Dale',
  owner2_last_name: 'Holt',
  mailing_address: '77 Harbor Ln',
  mailing_city: 'Asheville',
  mailing_state: 'NC',
  mailing_zip: '28801',
  property_type: 'Single Family',
  bedrooms: 3,
  bathrooms: 2.5,
  building_sqft: 1840,
  lot_sqft: 8712,
  year_built: 1974,
  owner_occupied: false,
  vacant: false,
  est_value: 412000,
  est_equity: 351000,
  est_ltv: 14.8,
  open_loans: 1,
  open_loan_balance: 61000,
  last_sale_date: '2004-06-18',
  last_sale_amount: 189000,
  deceased_owner: false,
  do_not_mail: false,
  litigator: false,
  do_not_contact: false,
  phones: [
    { number: '+1 727 555 0142', type: 'mobile', dnc: false },
    { number: '+1 727 555 0177', type: 'landline', dnc: true },
  ],
  emails: ['marjorie.holt@example.com'],
};

// Returns the same UUID for the same text.
function nameBasedId(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
}

// The same version of a record always has the same id and time, so that you may send it again at any time.
const headers = {
  ce_specversion: '1.0',
  ce_id: nameBasedId(`acme-crm/properties/${propertyId}/${changedAt}`),
  ce_type: 'ingest.leads',
  ce_source: 'acme-crm',
  ce_time: changedAt,
  ce_correlationid: `acme-crm/exports/${changedAt.slice(0, 10)}`, // one text for all records that belong together
  'content-type': 'application/json',
};

// Prints the problem and the advice, and exits.
function fail(code, problem, advice) {
  console.error(`Error: ${problem}\n  ${advice}`);
  process.exit(code);
}

// Returns the options of an encrypted connection with a login.
function login() {
  if (!username) return {};
  return { tls: caFile ? { ca: readFileSync(caFile) } : {}, sasl: { mechanism: 'SCRAM-SHA-512', username, password } };
}

// Produces the record and prints where Kafka stored it.
async function produce() {
  const producer = new Producer({
    clientId: 'acme-crm',
    bootstrapBrokers: servers.split(','),
    acks: ProduceAcks.ALL,
    idempotent: true,
    autocreateTopics: false,
    retries: 3,
    serializers: stringSerializers,
    ...login(),
  });
  try {
    const message = { topic, key: propertyId, value: JSON.stringify(record), headers };
    const { offsets } = await producer.send({ messages: [message] });
    const [{ partition, offset }] = offsets;
    console.log(`Stored in ${topic}, partition ${partition}, offset ${offset}, as ${headers.ce_id}.`);
  } finally {
    await producer.close();
  }
}

// Returns the texts of an error and of the errors that caused it, each once.
function reasonsOf(error) {
  const causes = [...(error.errors ?? []), error.cause].filter(Boolean);
  return [...new Set([error.message, ...causes.flatMap(reasonsOf)])];
}

if (!servers) fail(2, 'KAFKA_BOOTSTRAP_SERVERS is not set.', 'Set it to the addresses that you got from us.');
try {
  await produce();
} catch (error) {
  const reason = reasonsOf(error).join(' ');
  fail(1, `Kafka did not store the record: ${reason}`, 'Check the servers, the topic and the login, then try again.');
}
