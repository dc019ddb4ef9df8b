//! Questions and answers of DNS, as bytes.

use std::net::IpAddr;

use simple_dns::rdata::RData;
use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
};

use crate::error::{Error, ErrorKind, Result};

/// What is asked of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A,
    Aaaa,
    Srv,
}

/// What a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Address(IpAddr),
    /// Without a dot at the end of the target; empty = there is decidedly no service.
    Service {
        target: String,
        port: u16,
    },
}

/// What a server says of a name. Empty: there is no such data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) data: Vec<Data>,
    /// The name exists.
    pub(super) exists: bool,
    /// Seconds for which it is good; `None` = not said.
    pub(super) age: Option<u32>,
}

/// What a message is to who has asked.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Answer(Answer),
    /// It is too large for a datagram.
    Truncated,
    /// The server cannot or will not say, and why.
    Refused(String),
    /// It does not answer this question, or cannot be read.
    Other,
}

/// Names that lead to other names.
const LONGEST_CHAIN: usize = 16;
/// Data of one answer; a datagram holds fewer.
const MOST_DATA: usize = 4096;
const HEADER: usize = 12;
/// An empty name, a type and a class; a record has more.
const SMALLEST_ENTRY: usize = 5;

impl Kind {
    fn wire(self) -> TYPE {
        match self {
            Kind::A => TYPE::A,
            Kind::Aaaa => TYPE::AAAA,
            Kind::Srv => TYPE::SRV,
        }
    }
}

/// # Errors
/// [`ErrorKind::InvalidArgument`] for a name that has no form in a message.
pub(super) fn question(id: u16, name: &str, kind: Kind) -> Result<Vec<u8>> {
    let invalid = |error: simple_dns::SimpleDnsError| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("{name:?} cannot be asked for in DNS: {error}"),
        )
    };
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(
        Name::new(name).map_err(invalid)?,
        QTYPE::TYPE(kind.wire()),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    packet.build_bytes_vec().map_err(invalid)
}

/// What `bytes` are to who has asked that.
pub(super) fn read(bytes: &[u8], id: u16, name: &str, kind: Kind) -> Reply {
    if !counts_fit(bytes) {
        return Reply::Other;
    }
    let (Ok(packet), Ok(asked)) = (Packet::parse(bytes), Name::new(name)) else {
        return Reply::Other;
    };
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) {
        return Reply::Other;
    }
    let exists = match packet.rcode() {
        RCODE::NoError => true,
        RCODE::NameError => false,
        code => return Reply::Refused(format!("it answers {code:?}")),
    };
    let [question] = &packet.questions[..] else {
        return Reply::Other;
    };
    if question.qname != asked || question.qtype != QTYPE::TYPE(kind.wire()) {
        return Reply::Other;
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Reply::Truncated;
    }
    Reply::Answer(answer(&packet, asked, kind, exists))
}

/// Whether the message can hold as much as its header says: memory is taken by that.
fn counts_fit(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..HEADER) else {
        return false;
    };
    let counts = header[4..].chunks_exact(2);
    let entries: usize = counts
        .map(|count| usize::from(count[0]) << 8 | usize::from(count[1]))
        .sum();
    entries * SMALLEST_ENTRY <= bytes.len() - HEADER
}

fn answer(packet: &Packet<'_>, asked: Name<'_>, kind: Kind, exists: bool) -> Answer {
    let mut name = asked;
    let mut ages = Vec::new();
    for _ in 0..LONGEST_CHAIN {
        let alias = packet
            .answers
            .iter()
            .find_map(|record| match &record.rdata {
                RData::CNAME(alias) if record.name == name => Some((record, alias)),
                _ => None,
            });
        let Some((record, alias)) = alias else { break };
        ages.push(record.ttl);
        name = alias.0.clone();
    }
    let mut data = Vec::new();
    for record in packet.answers.iter().filter(|record| record.name == name) {
        if let Some(datum) = datum(record, kind)
            && !data.contains(&datum)
            && data.len() < MOST_DATA
        {
            ages.push(record.ttl);
            data.push(datum);
        }
    }
    if data.is_empty() {
        // How long it is good that there is nothing is said by the zone.
        ages.extend(
            packet
                .name_servers
                .iter()
                .filter_map(|record| match &record.rdata {
                    RData::SOA(zone) => Some(record.ttl.min(zone.minimum)),
                    _ => None,
                }),
        );
    }
    Answer {
        exists: exists || !data.is_empty(),
        age: ages.into_iter().min(),
        data,
    }
}

fn datum(record: &ResourceRecord<'_>, kind: Kind) -> Option<Data> {
    match (&record.rdata, kind) {
        (RData::A(a), Kind::A) => Some(Data::Address(IpAddr::V4(a.address.into()))),
        (RData::AAAA(aaaa), Kind::Aaaa) => Some(Data::Address(IpAddr::V6(aaaa.address.into()))),
        (RData::SRV(srv), Kind::Srv) => Some(Data::Service {
            target: srv.target.to_string().to_ascii_lowercase(),
            port: srv.port,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::rdata::{A, CNAME, SOA, SRV};

    use super::*;

    const NAME: &str = "workers.example.com";

    fn reply(id: u16, name: &'static str, kind: Kind) -> Packet<'static> {
        let mut packet = Packet::new_reply(id);
        packet.questions.push(Question::new(
            Name::new_unchecked(name),
            QTYPE::TYPE(kind.wire()),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        packet
    }

    fn record(name: &'static str, ttl: u32, data: RData<'static>) -> ResourceRecord<'static> {
        ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, ttl, data)
    }

    fn a(last: u8) -> RData<'static> {
        RData::A(A {
            address: u32::from_be_bytes([192, 0, 2, last]),
        })
    }

    fn alias(to: &'static str) -> RData<'static> {
        RData::CNAME(CNAME(Name::new_unchecked(to)))
    }

    fn address(last: u8) -> Data {
        Data::Address(IpAddr::from([192, 0, 2, last]))
    }

    fn read_back(packet: &Packet<'_>, kind: Kind) -> Reply {
        read(&packet.build_bytes_vec().unwrap(), 7, NAME, kind)
    }

    #[test]
    fn a_question_asks_for_one_name_and_for_recursion() {
        let bytes = question(7, "Workers.example.com.", Kind::Srv).unwrap();
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.id(), 7);
        assert!(packet.has_flags(PacketFlag::RECURSION_DESIRED));
        assert_eq!(packet.questions.len(), 1);
        assert_eq!(packet.questions[0].qname, Name::new_unchecked(NAME));
        assert_eq!(packet.questions[0].qtype, QTYPE::TYPE(TYPE::SRV));
    }

    #[test]
    fn addresses_are_those_of_the_name_at_the_end_of_the_chain() {
        let mut packet = reply(7, "WORKERS.example.com", Kind::A);
        packet.answers = vec![
            record("b.example.com", 60, a(1)),
            record("a.example.com", 9, alias("b.example.com")),
            record("b.example.com", 60, a(2)),
            record("b.example.com", 60, a(2)),
            record("other.example.com", 1, a(9)),
            record(NAME, 30, alias("a.example.com")),
        ];
        let answer = Answer {
            data: vec![address(1), address(2)],
            exists: true,
            age: Some(9),
        };
        assert_eq!(read_back(&packet, Kind::A), Reply::Answer(answer));
    }

    #[test]
    fn a_chain_that_leads_nowhere_ends() {
        let mut packet = reply(7, NAME, Kind::A);
        packet.answers = vec![record(NAME, 5, alias(NAME))];
        let Reply::Answer(answer) = read_back(&packet, Kind::A) else {
            panic!("no answer");
        };
        assert_eq!((answer.data.len(), answer.exists), (0, true));
    }

    #[test]
    fn services_have_targets_and_ports() {
        let mut packet = reply(7, NAME, Kind::Srv);
        let srv = |target, port| {
            RData::SRV(SRV {
                priority: 1,
                weight: 2,
                port,
                target: Name::new_unchecked(target),
            })
        };
        packet.answers = vec![
            record(NAME, 5, srv("One.example.com", 7000)),
            record(NAME, 5, srv(".", 0)),
        ];
        let Reply::Answer(answer) = read_back(&packet, Kind::Srv) else {
            panic!("no answer");
        };
        let service = |target: &str, port| Data::Service {
            target: target.to_owned(),
            port,
        };
        assert_eq!(
            answer.data,
            [service("one.example.com", 7000), service("", 0)]
        );
    }

    #[test]
    fn that_there_is_nothing_is_good_for_as_long_as_the_zone_says() {
        let mut packet = reply(7, NAME, Kind::A);
        *packet.rcode_mut() = RCODE::NameError;
        packet.name_servers = vec![record(
            "example.com",
            900,
            RData::SOA(SOA {
                mname: Name::new_unchecked("ns.example.com"),
                rname: Name::new_unchecked("admin.example.com"),
                serial: 1,
                refresh: 1,
                retry: 1,
                expire: 1,
                minimum: 12,
            }),
        )];
        let answer = Answer {
            data: Vec::new(),
            exists: false,
            age: Some(12),
        };
        assert_eq!(read_back(&packet, Kind::A), Reply::Answer(answer));
    }

    #[test]
    fn what_answers_something_else_is_no_answer() {
        assert_eq!(read_back(&reply(8, NAME, Kind::A), Kind::A), Reply::Other);
        assert_eq!(read_back(&reply(7, NAME, Kind::Srv), Kind::A), Reply::Other);
        let other = reply(7, "other.example.com", Kind::A);
        assert_eq!(read_back(&other, Kind::A), Reply::Other);
        let own = question(7, NAME, Kind::A).unwrap();
        assert_eq!(read(&own, 7, NAME, Kind::A), Reply::Other);
        let mut failed = reply(7, NAME, Kind::A);
        *failed.rcode_mut() = RCODE::ServerFailure;
        assert!(
            matches!(read_back(&failed, Kind::A), Reply::Refused(why) if why.contains("ServerFailure"))
        );
        let mut cut = reply(7, NAME, Kind::A);
        cut.set_flags(PacketFlag::TRUNCATION);
        assert_eq!(read_back(&cut, Kind::A), Reply::Truncated);
    }

    #[test]
    fn a_header_that_promises_more_than_there_is_costs_nothing() {
        let mut bytes = reply(7, NAME, Kind::A).build_bytes_vec().unwrap();
        bytes[6..12].fill(0xff);
        assert_eq!(read(&bytes, 7, NAME, Kind::A), Reply::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_reply(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes, 7, NAME, Kind::Srv);
        }

        #[test]
        fn a_damaged_answer_is_some_reply(at in 0_usize..60, to in any::<u8>()) {
            let mut packet = reply(7, NAME, Kind::A);
            packet.answers = vec![record(NAME, 5, a(1))];
            let mut bytes = packet.build_bytes_vec().unwrap();
            let at = at % bytes.len();
            bytes[at] = to;
            read(&bytes, 7, NAME, Kind::A);
        }
    }
}
