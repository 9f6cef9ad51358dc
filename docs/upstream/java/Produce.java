// Produce one property record to Equity Connect. Java 17 or later, and the Kafka client (pom.xml).
//
//   mvn -q dependency:copy-dependencies -DoutputDirectory=libs
//   export KAFKA_BOOTSTRAP_SERVERS=kafka.example.com:9093 KAFKA_USERNAME=acme KAFKA_PASSWORD=...
//   java -cp 'libs/*' Produce.java
//
// Prints where Kafka stored the record. Exit codes: 0 stored, 1 not stored, 2 a setting is missing.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringSerializer;

public class Produce {
    static final String SERVERS = setting("KAFKA_BOOTSTRAP_SERVERS", "");
    static final String TOPIC = setting("KAFKA_TOPIC", "ingest.leads");
    /** Unset: no login and no encryption, for a Kafka on your own machine. */
    static final String USERNAME = setting("KAFKA_USERNAME", "");
    static final String PASSWORD = setting("KAFKA_PASSWORD", "");
    /** Unset: the certificate authorities of Java. */
    static final String CA_FILE = setting("KAFKA_CA_FILE", "");

    /** The time at which your system last changed this record. In this example it changes every day at midnight. */
    static final Instant CHANGED_AT = Instant.now().truncatedTo(ChronoUnit.DAYS);
    static final String CHANGED_ON = CHANGED_AT.toString().substring(0, 10);
    /** The property's id in your system. */
    static final String PROPERTY_ID = "4711";

    static final String RECORD = """
        {
          "source": "acme",
          "observed_on": "%s",
          "property_address": "418 N Palmetto Ave",
          "property_city": "Dunedin",
          "property_state": "FL",
          "property_zip": "34698",
          "county": "Pinellas",
          "fips": "12103",
          "apn": "27-28-15-66078-000-0100",
          "owner_first_name": "Marjorie",
          "owner_last_name": "Holt",
          "owner2_first_name": "Dale",
          "owner2_last_name": "Holt",
          "mailing_address": "77 Harbor Ln",
          "mailing_city": "Asheville",
          "mailing_state": "NC",
          "mailing_zip": "28801",
          "property_type": "Single Family",
          "bedrooms": 3,
          "bathrooms": 2.5,
          "building_sqft": 1840,
          "lot_sqft": 8712,
          "year_built": 1974,
          "owner_occupied": false,
          "vacant": false,
          "est_value": 412000,
          "est_equity": 351000,
          "est_ltv": 14.8,
          "open_loans": 1,
          "open_loan_balance": 61000,
          "last_sale_date": "2004-06-18",
          "last_sale_amount": 189000,
          "deceased_owner": false,
          "do_not_mail": false,
          "litigator": false,
          "do_not_contact": false,
          "phones": [
            {"number": "+1 727 555 0142", "type": "mobile", "dnc": false},
            {"number": "+1 727 555 0177", "type": "landline", "dnc": true}
          ],
          "emails": ["marjorie.holt@example.com"]
        }
        """.formatted(CHANGED_ON);

    public static void main(String[] arguments) throws InterruptedException {
        if (SERVERS.isEmpty()) {
            fail(2, "KAFKA_BOOTSTRAP_SERVERS is not set.", "Set it to the addresses that you got from us.");
        }
        try {
            produce();
        } catch (ExecutionException | KafkaException error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            fail(1, "Kafka did not store the record: " + cause.getMessage(),
                "Check the servers, the topic and the login, then try again.");
        }
    }

    /** Produces the record and prints where Kafka stored it. */
    static void produce() throws ExecutionException, InterruptedException {
        ProducerRecord<String, String> message = new ProducerRecord<>(TOPIC, PROPERTY_ID, RECORD);
        headers().forEach((name, value) -> message.headers().add(name, value.getBytes(UTF_8)));
        try (var producer = new KafkaProducer<>(options(), new StringSerializer(), new StringSerializer())) {
            var stored = producer.send(message).get();
            System.out.printf("Stored in %s, partition %d, offset %d, as %s.%n",
                TOPIC, stored.partition(), stored.offset(), headers().get("ce_id"));
        }
    }

    /** Returns the headers. The same version of a record always has the same id and time, so that you may send it again. */
    static Map<String, String> headers() {
        String version = "acme-crm/properties/" + PROPERTY_ID + "/" + CHANGED_AT;
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce_specversion", "1.0");
        headers.put("ce_id", UUID.nameUUIDFromBytes(version.getBytes(UTF_8)).toString());
        headers.put("ce_type", "ingest.leads");
        headers.put("ce_source", "acme-crm");
        headers.put("ce_time", CHANGED_AT.toString());
        headers.put("ce_correlationid", "acme-crm/exports/" + CHANGED_ON); // one text for all records that belong together
        headers.put("content-type", "application/json");
        return headers;
    }

    /** Returns the options of the producer, with encryption and a login if a user name is set. */
    static Properties options() {
        Properties options = new Properties();
        options.put("bootstrap.servers", SERVERS);
        options.put("acks", "all");
        options.put("enable.idempotence", "true");
        options.put("max.block.ms", "20000");
        options.put("request.timeout.ms", "20000");
        options.put("delivery.timeout.ms", "30000");
        if (!USERNAME.isEmpty()) {
            options.put("security.protocol", "SASL_SSL");
            options.put("sasl.mechanism", "SCRAM-SHA-512");
            options.put("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
                + quote(USERNAME) + "\" password=\"" + quote(PASSWORD) + "\";");
        }
        if (!CA_FILE.isEmpty()) {
            options.put("ssl.truststore.type", "PEM");
            options.put("ssl.truststore.location", CA_FILE);
        }
        return options;
    }

    static String quote(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"");
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    /** Prints the problem and the advice, and exits. */
    static void fail(int code, String problem, String advice) {
        System.err.println("Error: " + problem + "\n  " + advice);
        System.exit(code);
    }
}
