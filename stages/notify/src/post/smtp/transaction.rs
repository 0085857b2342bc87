use std::collections::VecDeque;
use std::time::Duration;

use lettre::Address;

use super::connection::Connection;
use super::failure::SmtpFailure;
use super::reply::Reply;
use crate::post::{Delivery, PostError};

/// "Too many recipients": the rest gets another transaction (RFC 5321, section 4.5.3.1.10).
const TOO_MANY_RECIPIENTS: u16 = 452;

pub(super) struct OutgoingMail<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) from: &'a Address,
    /// Up to the message's end.
    pub(super) patience: Duration,
    /// For the reply to the message: giving up early makes duplicates.
    pub(super) patience_after_data: Duration,
}

enum TransactionEnd {
    Taken(Vec<Address>, Reply),
    /// Refused although the addresses were accepted.
    Refused(Vec<Address>, Reply),
    /// No address was accepted.
    Nobody,
}

impl Connection {
    /// As many transactions (RFC 5321, section 3.3) as needed to settle every recipient.
    pub(super) async fn send(
        &mut self,
        message: &OutgoingMail<'_>,
        recipients: Vec<Address>,
        server: &str,
    ) -> Result<Delivery, PostError> {
        let mut delivery = Delivery::default();
        let mut groups = VecDeque::from([recipients]);
        while let Some(group) = groups.pop_front() {
            let mut left_over = Vec::new();
            let end = self.transact(message, group, &mut delivery, &mut left_over).await;
            match end {
                Ok(TransactionEnd::Taken(taken, reply)) => {
                    delivery.receipt = reply.text();
                    delivery.taken.extend(taken);
                    if !left_over.is_empty() {
                        groups.push_back(left_over);
                        continue;
                    }
                }
                // Perhaps because of one recipient: try each alone.
                Ok(TransactionEnd::Refused(refused, reply)) if refused.len() > 1 && reply.is_permanent() => {
                    groups.extend(refused.into_iter().map(|one| vec![one]));
                }
                Ok(TransactionEnd::Refused(refused, reply)) => {
                    refused.into_iter().for_each(|one| delivery.settle(one, &reply));
                }
                Ok(TransactionEnd::Nobody) => {}
                Err((failure, group)) => {
                    let error = failure.of_server(server);
                    if delivery.taken.is_empty() {
                        return Err(error);
                    }
                    // Some have it, so the failure is only the others'.
                    let open = group.into_iter().chain(groups.drain(..).flatten());
                    delivery.put_off.extend(open.map(|one| (one, error.to_string())));
                }
            }
            delivery.put_off.extend(left_over.into_iter().map(|one| (one, "too many recipients".to_owned())));
        }
        Ok(delivery)
    }

    /// Names sender and recipients, then resets.
    pub(super) async fn try_recipients(
        &mut self,
        message: &OutgoingMail<'_>,
        recipients: Vec<Address>,
    ) -> Result<Delivery, SmtpFailure> {
        self.allow(message.patience);
        let (mut open, mut left_over) = (VecDeque::from(recipients), Vec::new());
        let mut delivery = Delivery::default();
        let mut accepted = Vec::new();
        self.name_recipients(message, &mut open, &mut accepted, &mut delivery, &mut left_over).await?;
        self.command("RSET").await?;
        // A mail would get another transaction for these.
        delivery.taken = accepted.into_iter().chain(left_over).collect();
        Ok(delivery)
    }

    /// `left_over` needs another transaction. A failure contains the unsettled recipients.
    async fn transact(
        &mut self,
        message: &OutgoingMail<'_>,
        group: Vec<Address>,
        delivery: &mut Delivery,
        left_over: &mut Vec<Address>,
    ) -> Result<TransactionEnd, (SmtpFailure, Vec<Address>)> {
        self.allow(message.patience);
        let mut accepted = Vec::new();
        let mut open = VecDeque::from(group);
        let named = self.name_recipients(message, &mut open, &mut accepted, delivery, left_over).await;
        let end = match named {
            Ok(()) if accepted.is_empty() => Ok(TransactionEnd::Nobody),
            Ok(()) => self.hand_over(message, &mut accepted).await,
            Err(failure) => Err(failure),
        };
        if !matches!(end, Ok(TransactionEnd::Taken(..)) | Err(_)) {
            // Otherwise the server would add its recipients to the next transaction.
            let _ = self.command("RSET").await;
        }
        end.map_err(|failure| (failure, accepted.into_iter().chain(open).chain(left_over.drain(..)).collect()))
    }

    async fn name_recipients(
        &mut self,
        message: &OutgoingMail<'_>,
        open: &mut VecDeque<Address>,
        accepted: &mut Vec<Address>,
        delivery: &mut Delivery,
        left_over: &mut Vec<Address>,
    ) -> Result<(), SmtpFailure> {
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !self.takes_utf8_addresses() {
            let (plain, other): (VecDeque<_>, VecDeque<_>) = open.drain(..).partition(is_ascii);
            *open = plain;
            let why = "the server does not offer SMTPUTF8, which this address needs";
            delivery.refused.extend(other.into_iter().map(|one| (one, why.to_owned())));
        }
        let utf8 = open.iter().chain([message.from]).any(|address| !is_ascii(address));
        let parameter = if utf8 { " SMTPUTF8" } else { "" };
        let reply = self.command(&format!("MAIL FROM:<{}>{parameter}", message.from)).await?;
        SmtpFailure::unless(reply.is_done(), "MAIL FROM (see mail.from)", reply)?;
        while let Some(recipient) = open.front() {
            let reply = self.command(&format!("RCPT TO:<{recipient}>")).await?;
            let recipient = open.pop_front().expect("it was there before the command");
            match reply.code {
                _ if reply.is_done() => accepted.push(recipient),
                TOO_MANY_RECIPIENTS if !accepted.is_empty() => left_over.push(recipient),
                _ => delivery.settle(recipient, &reply),
            }
        }
        Ok(())
    }

    /// If we stop before the last reply is read, the server may have the mail: it is sent again, with the same
    /// Message-ID.
    async fn hand_over(
        &mut self,
        message: &OutgoingMail<'_>,
        accepted: &mut Vec<Address>,
    ) -> Result<TransactionEnd, SmtpFailure> {
        let reply = self.command("DATA").await?;
        if !reply.is_intermediate() {
            return Ok(TransactionEnd::Refused(std::mem::take(accepted), reply));
        }
        self.message(message.bytes).await?;
        self.allow(message.patience_after_data);
        let reply = self.reply().await?;
        let accepted = std::mem::take(accepted);
        Ok(if reply.is_done() {
            TransactionEnd::Taken(accepted, reply)
        } else {
            TransactionEnd::Refused(accepted, reply)
        })
    }
}

impl Delivery {
    /// Records a refusal, permanent (5yz) or not.
    fn settle(&mut self, recipient: Address, reply: &Reply) {
        let list = if reply.is_permanent() { &mut self.refused } else { &mut self.put_off };
        list.push((recipient, reply.text()));
    }
}
